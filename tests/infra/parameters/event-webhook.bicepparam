// The second phase of azd up, which a hook deploys once the app has started.

using '../../../infra/app/event-webhook.bicep'

param topicName = 'egst-test'
param functionAppName = 'func-test'
param storageAccountName = 'stdatatest'
param documentsContainer = 'documents'
param deadLetterContainer = 'dead-letters'
param maxDocumentBytes = 4000000
