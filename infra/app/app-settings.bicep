// The settings of shared/config.py that have no default or need another value in the cloud. No resources: an object,
// for the function app and, by its output, for who hosts the app elsewhere.

@description('Blob address of the data storage.')
param blobEndpoint string

@description('Queue address of the data storage.')
param queueEndpoint string

@description('Client id of the identity that classifies and reaches storage.')
param appClientId string

@description('Client id of the identity that trains and publishes.')
param authoringClientId string

@description('Address of the Language account.')
param languageEndpoint string

@description('Container names: documents, classifications, failures, pipeline, training.')
param containers object

@description('Queue names: documents, collect, batches, operations, events.')
param queues object

@description('Version of the Language API.')
param languageApi string

@description('Project whose model classifies.')
param languageProject string

@description('Deployment to use while no model has been published through the app; empty for none.')
param languageModel string

@description('single_label or multi_label; needed with languageModel.')
param languageProjectKind string

@description('Analyze requests a minute that each process may make.')
param languageRequestsPerMinute int

@description('Larger blobs are never read; they get a failure record.')
param maxDocumentBytes int

@description('Documents over 125,000 characters: split, truncate or reject.')
param oversized string

@description('How old a document without a record is before reconcile sends it again, in minutes.')
param graceMinutes int

@description('NCRONTAB of the timer that finds lost documents.')
param reconcileSchedule string

@description('NCRONTAB of the timer that revives stalled batches and operations.')
param sweepSchedule string

@description('More settings, or other values for these.')
param extra object

output settings object = union({
  DATA_STORAGE__blobServiceUri: blobEndpoint
  DATA_STORAGE__queueServiceUri: queueEndpoint
  DATA_STORAGE__credential: 'managedidentity'
  DATA_STORAGE__clientId: appClientId
  DOCUMENTS_CONTAINER: containers.documents
  CLASSIFICATIONS_CONTAINER: containers.classifications
  FAILURES_CONTAINER: containers.failures
  PIPELINE_CONTAINER: containers.pipeline
  TRAINING_CONTAINER: containers.training
  DOCUMENTS_QUEUE: queues.documents
  COLLECT_QUEUE: queues.collect
  BATCHES_QUEUE: queues.batches
  OPERATIONS_QUEUE: queues.operations
  EVENTS_QUEUE: queues.events
  // glibc keeps a heap for each of dozens of threads; two of them keep a worker's memory level (bench chaos).
  MALLOC_ARENA_MAX: '2'
  LANGUAGE_ENDPOINT: languageEndpoint
  LANGUAGE_API: languageApi
  LANGUAGE_CREDENTIAL: 'identity'
  LANGUAGE_CLIENT_ID: appClientId
  LANGUAGE_AUTHORING_CLIENT_ID: authoringClientId
  LANGUAGE_PROJECT: languageProject
  LANGUAGE_MODEL: languageModel
  LANGUAGE_PROJECT_KIND: languageProjectKind
  LANGUAGE_REQUESTS_PER_MINUTE: string(languageRequestsPerMinute)
  PIPELINE_MAX_DOCUMENT_BYTES: string(maxDocumentBytes)
  PIPELINE_OVERSIZED: oversized
  PIPELINE_GRACE_MINUTES: string(graceMinutes)
  RECONCILE_SCHEDULE: reconcileSchedule
  SWEEP_SCHEDULE: sweepSchedule
}, extra)
