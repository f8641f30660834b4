// The two storage accounts: the host's own, and the one with documents, records and queues. Two, because what the host
// keeps (the package, keys, locks) does not concern those who may read documents, and the reverse.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the host\'s account.')
param hostName string

@description('Name of the data account.')
param dataName string

@description('Redundancy of both accounts.')
param skuName string

@description('Container of the deployed package, in the host\'s account.')
param deploymentContainer string

@description('Container names: documents, classifications, failures, pipeline, training, deadLetters.')
param containers object

@description('Queue names: documents, collect, batches, operations, events.')
param queues object

@description('Days to keep: softDelete, batches, deadLetters, documents (0 for ever).')
param retentionDays object

@description('True: only private endpoints, trusted Azure services and allowedIpAddresses get in.')
param isPrivate bool

@description('Public addresses or CIDR ranges that get in nevertheless when isPrivate.')
param allowedIpAddresses array

@description('Websites that may read and write blobs of the data account in the browser.')
param labellingOrigins array

module host 'storage.bicep' = {
  params: {
    name: hostName
    location: location
    tags: tags
    skuName: skuName
    containers: [deploymentContainer]
    queues: []
    expiries: []
    softDeleteDays: retentionDays.softDelete
    isPrivate: isPrivate
    allowedIpAddresses: allowedIpAddresses
    browserOrigins: []
  }
}

module data 'storage.bicep' = {
  params: {
    name: dataName
    location: location
    tags: tags
    skuName: skuName
    containers: [
      containers.documents
      containers.classifications
      containers.failures
      containers.pipeline
      containers.training
      containers.deadLetters
    ]
    queues: [
      queues.documents
      queues.collect
      queues.batches
      queues.operations
      queues.events
    ]
    expiries: concat([
      { name: 'batches', prefix: '${containers.pipeline}/batches/closed/', days: retentionDays.batches }
      { name: 'dead-letters', prefix: '${containers.pipeline}/dead-letters/', days: retentionDays.deadLetters }
      { name: 'undelivered-events', prefix: '${containers.deadLetters}/', days: retentionDays.deadLetters }
    ], retentionDays.documents == 0 ? [] : [
      { name: 'documents', prefix: '${containers.documents}/', days: retentionDays.documents }
    ])
    softDeleteDays: retentionDays.softDelete
    isPrivate: isPrivate
    allowedIpAddresses: allowedIpAddresses
    browserOrigins: labellingOrigins
  }
}

output hostId string = host.outputs.id
output hostName string = host.outputs.name
output hostBlobEndpoint string = host.outputs.blobEndpoint
output dataId string = data.outputs.id
output dataName string = data.outputs.name
output dataBlobEndpoint string = data.outputs.blobEndpoint
output dataQueueEndpoint string = data.outputs.queueEndpoint
