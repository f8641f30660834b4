// azd up as it comes: uploads by the blob trigger, and the person who deploys.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param principalId = '00000000-0000-0000-0000-00000000beef'
