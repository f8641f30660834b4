// One storage account without shared keys, with its containers and queues. Used for the host's and for the data.

@description('Name of the account: 3 to 24 lower-case letters and digits.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Redundancy.')
param skuName string

@description('Names of the containers.')
param containers array

@description('Names of the queues.')
param queues array

@description('Blobs to delete by age: objects with name, prefix (container/path) and days.')
param expiries array

@description('Days that deleted blobs and containers can be restored.')
param softDeleteDays int

@description('True: only the private endpoints, trusted Azure services and allowedIpAddresses get in.')
param isPrivate bool

@description('Public addresses or CIDR ranges that get in nevertheless when isPrivate.')
param allowedIpAddresses array

@description('Websites that may read and write blobs in the browser, as the user who is signed in.')
param browserOrigins array

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      // Event Grid delivers to the queue and dead-letters, and the Language service reads, as trusted services.
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: [for address in allowedIpAddresses: {
        value: address
        action: 'Allow'
      }]
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    cors: {
      corsRules: [for origin in browserOrigins: {
        allowedOrigins: [origin]
        allowedMethods: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']
        allowedHeaders: ['*']
        exposedHeaders: ['*']
        maxAgeInSeconds: 500
      }]
    }
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [for containerName in containers: {
  parent: blobService
  name: containerName
  properties: {
    publicAccess: 'None'
  }
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [for queueName in queues: {
  parent: queueService
  name: queueName
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (!empty(expiries)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [for expiry in expiries: {
        name: 'expire-${expiry.name}'
        enabled: true
        type: 'Lifecycle'
        definition: {
          filters: {
            blobTypes: ['blockBlob', 'appendBlob']
            prefixMatch: [expiry.prefix]
          }
          actions: {
            baseBlob: {
              delete: {
                daysAfterModificationGreaterThan: expiry.days
              }
            }
          }
        }
      }]
    }
  }
}

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
