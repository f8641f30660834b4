// Second phase, run by infra/hooks/postdeploy: uploads to the blob trigger's webhook. The key exists only once the
// deployed app has started, and it is read inside the deployment, so that no script ever holds it.

@description('Name of the system topic.')
param topicName string

@description('Name of the function app.')
param functionAppName string

@description('Storage account of the documents and the undelivered events.')
param storageAccountName string

@description('Container whose uploads are announced.')
param documentsContainer string

@description('Container that gets the events that could not be delivered.')
param deadLetterContainer string

@description('Larger blobs are not announced: the host would load them into memory. Reconcile finds them and writes their failure record.')
param maxDocumentBytes int

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'documents-to-webhook'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
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
        {
          operatorType: 'NumberLessThan'
          key: 'data.contentLength'
          value: maxDocumentBytes + 1
        }
      ]
    }
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.accept_document&code=${listKeys('${app.id}/host/default', '2025-03-01').systemKeys.blobs_extension}'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
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
