// Every role assignment of the deployment, and the only place that holds role ids.

@description('Storage account of the Functions host.')
param hostStorageName string

@description('Storage account of the documents, records and queues.')
param dataStorageName string

@description('Container of the labelled documents.')
param trainingContainer string

@description('Container for events that could not be delivered.')
param deadLetterContainer string

@description('Queue that gets the events.')
param eventsQueue string

@description('Name of the Language account.')
param languageName string

@description('Name of the Application Insights component.')
param insightsName string

@description('Principal that classifies and reaches storage.')
param appPrincipalId string

@description('Principal that trains and publishes.')
param authoringPrincipalId string

@description('Principal of the Language account, which reads labelled documents.')
param languagePrincipalId string

@description('Principal of the Event Grid topic.')
param topicPrincipalId string

@description('Principal of the person or group that deploys, who uploads documents and may train; empty for none.')
param deployerPrincipalId string

@description('User or Group.')
param deployerPrincipalType string

var roles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  languageReader: '7628b7b8-a8b2-4cdc-b46f-e9b35248918e'
  languageOwner: 'f07febfe-79bc-46b1-8b37-790e26e6e498'
}

var hasDeployer = !empty(deployerPrincipalId)
var deployerDataRoles = hasDeployer ? [roles.storageBlobDataContributor, roles.storageQueueDataContributor] : []

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: dataStorageName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource training 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: trainingContainer
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: deadLetterContainer
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: eventsQueue
}

resource language 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: languageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The host: locks, keys, receipts and the package (blobs), the blob trigger's queue, diagnostic events (tables).
resource appOnHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [
  roles.storageBlobDataOwner
  roles.storageQueueDataContributor
  roles.storageTableDataContributor
]: {
  scope: hostStorage
  name: guid(hostStorage.id, appPrincipalId, role)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// The app: documents and records. Microsoft's samples make a blob trigger Owner of the blobs; what that adds, access
// lists of a hierarchical namespace, is not used. On queues Contributor, because host and app create the poison queues.
resource appOnDataStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [
  roles.storageBlobDataContributor
  roles.storageQueueDataContributor
]: {
  scope: dataStorage
  name: guid(dataStorage.id, appPrincipalId, role)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// The service asks for the account, not for a container of it.
resource languageOnDataStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: dataStorage
  name: guid(dataStorage.id, languagePrincipalId, roles.storageBlobDataContributor)
  properties: {
    principalId: languagePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
  }
}

// Whoever creates a project was refused with 403 by some, until he had a role on the container as well as the account's
// own identity (MicrosoftDocs/azure-docs 124188): the service may look with the caller's rights.
resource authoringOnTraining 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: training
  name: guid(training.id, authoringPrincipalId, roles.storageBlobDataContributor)
  properties: {
    principalId: authoringPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
  }
}

resource topicOnDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: deadLetters
  name: guid(deadLetters.id, topicPrincipalId, roles.storageBlobDataContributor)
  properties: {
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
  }
}

resource topicOnEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: events
  name: guid(events.id, topicPrincipalId, roles.storageQueueDataMessageSender)
  properties: {
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
  }
}

resource appOnLanguage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: language
  name: guid(language.id, appPrincipalId, roles.languageReader)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.languageReader)
  }
}

resource authoringOnLanguage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: language
  name: guid(language.id, authoringPrincipalId, roles.languageOwner)
  properties: {
    principalId: authoringPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.languageOwner)
  }
}

resource appOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, appPrincipalId, roles.monitoringMetricsPublisher)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

resource deployerOnDataStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in deployerDataRoles: {
  scope: dataStorage
  name: guid(dataStorage.id, deployerPrincipalId, role)
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource deployerOnLanguage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer) {
  scope: language
  name: guid(language.id, deployerPrincipalId, roles.languageOwner)
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.languageOwner)
  }
}
