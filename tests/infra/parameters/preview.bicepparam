// The older Language API, and no alert rules.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param languageApi = '2021-preview'
param alertsEnabled = false
