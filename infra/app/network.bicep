// Optional: a network for the app's outgoing traffic, and private endpoints for storage and the Language account.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the network.')
param networkName string

@description('Prefix of the private endpoints\' names.')
param endpointPrefix string

@description('Address ranges: network, app, endpoints.')
param addresses object

@description('Resource id of the host\'s storage account.')
param hostStorageId string

@description('Resource id of the data storage account.')
param dataStorageId string

@description('Resource id of the Language account.')
param languageId string

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.cognitiveservices.azure.com'
]

var endpoints = [
  { name: 'host-blob', target: hostStorageId, group: 'blob', zone: 0 }
  { name: 'host-queue', target: hostStorageId, group: 'queue', zone: 1 }
  { name: 'host-table', target: hostStorageId, group: 'table', zone: 2 }
  { name: 'data-blob', target: dataStorageId, group: 'blob', zone: 0 }
  { name: 'data-queue', target: dataStorageId, group: 'queue', zone: 1 }
  { name: 'language', target: languageId, group: 'account', zone: 3 }
]

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: networkName
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addresses.network]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: addresses.app
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: addresses.endpoints
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zoneName in zones: {
  name: zoneName
  location: 'global'
  tags: tags
}]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zoneName, index) in zones: {
  parent: zone[index]
  name: networkName
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [for each in endpoints: {
  name: '${endpointPrefix}${each.name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: '${network.id}/subnets/endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: each.name
        properties: {
          // An id that comes out of a list is not seen as one.
          #disable-next-line use-resource-id-functions
          privateLinkServiceId: each.target
          groupIds: [each.group]
        }
      }
    ]
  }
}]

resource endpointZone 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [for (each, index) in endpoints: {
  parent: endpoint[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: each.group
        properties: {
          privateDnsZoneId: zone[each.zone].id
        }
      }
    ]
  }
}]

output appSubnetId string = '${network.id}/subnets/app'
