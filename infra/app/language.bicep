// The Language resource: Entra ID only, its own identity, and the training storage connected at creation, because
// neither the sub-domain nor the storage can be changed later.

@description('Name of the account, and its sub-domain.')
param name string

@description('Region; must be one that trains custom text classification.')
param location string

@description('Tags of every resource.')
param tags object

@description('Pricing tier.')
param skuName string

@description('Resource id of the storage account that holds labelled documents.')
param trainingStorageId string

@description('True: bring back an account of this name that was deleted in the last 48 hours.')
param restore bool

@description('True: only the private endpoint and allowedIpAddresses get in.')
param isPrivate bool

@description('Public addresses or CIDR ranges that get in nevertheless when isPrivate.')
param allowedIpAddresses array

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'TextAnalytics'
  sku: {
    name: skuName
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    restore: restore
    publicNetworkAccess: 'Enabled'
    // It reads its own training storage; the deployments that forbid outbound calls name that storage here.
    restrictOutboundNetworkAccess: false
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: [for address in allowedIpAddresses: {
        value: address
      }]
    }
    userOwnedStorage: [
      {
        resourceId: trainingStorageId
      }
    ]
  }
}

output id string = account.id
output name string = account.name
output endpoint string = account.properties.endpoint
output principalId string = account.identity.principalId
