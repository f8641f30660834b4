// The storage account's events. The identity is the system's: a firewalled storage account trusts no other.

@description('Name of the system topic.')
param name string

@description('Region of the storage account.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the storage account whose uploads are announced.')
param sourceId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: sourceId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

output name string = topic.name
output principalId string = topic.identity.principalId
