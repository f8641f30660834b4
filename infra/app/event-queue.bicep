// Uploads to the events queue, without any key. Deployed after the role assignments of the topic's identity.
// The size is not filtered here as it is for the webhook: a queue message does not carry the blob, so a document that
// is too large gets its failure record at once.

@description('Name of the system topic.')
param topicName string

@description('Storage account of the documents, the events queue and the undelivered events.')
param storageAccountName string

@description('Container whose uploads are announced.')
param documentsContainer string

@description('Queue that gets the events.')
param eventsQueue string

@description('Container that gets the events that could not be delivered.')
param deadLetterContainer string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'documents-to-queue'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${documentsContainer}/blobs/'
      subjectEndsWith: '.txt'
      isSubjectCaseSensitive: false
      enableAdvancedFilteringOnArrays: false
      advancedFilters: [
        {
          // One upload raises several events; these are the ones after which the content is complete.
          operatorType: 'StringIn'
          key: 'data.api'
          values: ['PutBlob', 'PutBlockList', 'CopyBlob', 'FlushWithClose']
        }
      ]
    }
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: storage.id
          queueName: eventsQueue
          queueMessageTimeToLiveInSeconds: -1
        }
      }
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storage.id
          blobContainerName: deadLetterContainer
        }
      }
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
  }
}
