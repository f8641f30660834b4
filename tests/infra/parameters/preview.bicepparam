// The older Language API.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param languageApi = '2021-preview'
