// Everything from an empty subscription: one resource group and all that is in it. `azd up` runs this, deploys the
// code, and then infra/hooks/postdeploy connects uploads to the blob trigger (event-webhook.bicep).
targetScope = 'subscription'

// --- Where and who
@description('Name of this deployment; part of the names of the resources.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region. These are the regions that train custom text classification.')
@allowed([
  'australiaeast', 'canadacentral', 'centralindia', 'eastus', 'eastus2', 'northeurope'
  'southcentralus', 'switzerlandnorth', 'uksouth', 'westeurope', 'westus2', 'westus3'
])
param location string

@description('Object id of who deploys. A person or a group may then upload documents and train, a pipeline (ServicePrincipal) gets no role; empty for nobody.')
param principalId string = ''

@description('What principalId is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('More tags for every resource.')
param tags object = {}

// --- The app
@description('False: everything but the function app, for those who host it elsewhere (infra/kubernetes). Needs eventDelivery queue.')
param deployFunctionApp bool = true

@description('Python of the app.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.12'

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at once; 40 is the least this plan allows.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances kept warm and paid for: objects with name (http, blob or function:<name>) and instanceCount.')
param alwaysReady array = []

@description('App settings to add or replace, see the table of settings in README.md.')
param extraAppSettings object = {}

// --- Documents
@description('How uploads reach the app. webhook: the blob trigger; its key is read once, inside the deployment. queue: no key at all.')
@allowed(['webhook', 'queue'])
param eventDelivery string = 'webhook'

@description('Names of the containers, all or none.')
param containers object = {
  documents: 'documents'
  classifications: 'classifications'
  failures: 'failures'
  pipeline: 'pipeline'
  training: 'training'
  deadLetters: 'dead-letters'
}

@description('Names of the queues, all or none.')
param queues object = { documents: 'documents', collect: 'collect', batches: 'batches', operations: 'operations', events: 'events' }

@description('Larger documents are not read; they get a failure record.')
@minValue(1)
@maxValue(100000000)
param maxDocumentBytes int = 4000000

@description('Documents over 125,000 characters: classify them in parts, classify their beginning, or reject them.')
@allowed(['split', 'truncate', 'reject'])
param oversized string = 'split'

@description('How old a document without a record is before reconcile sends it again, in minutes.')
@minValue(1)
param graceMinutes int = 15

@description('NCRONTAB of the timer that finds lost documents: three listings, one call for each 5,000 blobs.')
param reconcileSchedule string = '0 */15 * * * *'

@description('NCRONTAB of the timer that revives stalled batches and operations and reports how long documents wait.')
param sweepSchedule string = '30 */5 * * * *'

// --- Storage
@description('Redundancy of both storage accounts.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param storageSku string = 'Standard_LRS'

@description('Days to keep, all or none: softDelete (deleted blobs and containers, 1 to 365), batches (closed ones), deadLetters (messages that failed or could not be read, events that could not be delivered), documents (after upload; 0 for ever; their records stay).')
param retentionDays object = { softDelete: 7, batches: 30, deadLetters: 90, documents: 0 }

// --- Language
@description('Websites that may read and write blobs of the data storage in the browser, as the user who is signed in, for labelling documents there: https://language.cognitive.azure.com is Language Studio; empty for none.')
param labellingOrigins array = []

@description('Pricing tier of the Language account. F0 is free, once in a subscription, limited to 5,000 texts a month, and to one deployment: models are published without staging and probe.')
@allowed(['S', 'F0'])
param languageSku string = 'S'

@description('Version of the Language API that new batches and operations use; those under way finish with the version they began with.')
param languageApi string = '2023-04-01'

@description('Project whose model classifies.')
param languageProject string = 'pigeonhole'

@description('Deployment to use while no model has been published through the app; empty to wait for one.')
param languageModel string = ''

@description('single_label or multi_label; needed with languageModel.')
@allowed(['', 'single_label', 'multi_label'])
param languageProjectKind string = ''

@description('Analyze requests a minute that each process may make; the service allows 1,000 for the whole account.')
@minValue(1)
@maxValue(1000)
param languageRequestsPerMinute int = 250

@description('True: bring back the Language account of this environment that was deleted in the last 48 hours.')
param restoreLanguageAccount bool = false

// --- Logs, alerts, budget
@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of logs a day, after which nothing more is logged that day; -1 for no cap.')
param logDailyCapGb int = -1

@description('False: no alert rules.')
param alertsEnabled bool = true

@description('Who gets mails of alerts and budget; empty for alerts in the portal only.')
param alertEmails array = []

@description('When alerts fire, all or none: silence (PT1H to PT6H, P1D or P2D; longer than the time between two ticks of either timer), oldestWaitingMinutes; failedDocuments, failedExecutions, throttledRequests, lostEvents and failedDeliveries in an hour; expiryDays ahead, of the deployment and of the training configuration.')
param alertThresholds object = {
  silence: 'PT1H'
  oldestWaitingMinutes: 60
  failedDocuments: 25
  failedExecutions: 10
  throttledRequests: 100
  lostEvents: 25
  failedDeliveries: 100
  expiryDays: 30
}

@description('Budget a month in the currency of the subscription; 0 for none. Needs alertEmails and budgetStartDate.')
@minValue(0)
param budgetAmount int = 0

@description('First day of the month the budget begins with, as 2026-01-01.')
param budgetStartDate string = ''

// --- People
@description('Client id of an Entra app registration by which people sign in to the page, so that reviews carry their names; empty: no sign-in.')
param signInClientId string = ''

// --- Network
@description('True: private endpoints for storage and Language, a firewall in front, and a network for the app.')
param vnetEnabled bool = false

@description('Address ranges, all or none: network, app (its subnet; /24 holds the most instances), endpoints (their subnet).')
param vnetAddresses object = { network: '10.20.0.0/16', app: '10.20.0.0/24', endpoints: '10.20.1.0/24' }

@description('Public addresses or CIDR ranges that get through the firewall, for people who upload.')
param allowedIpAddresses array = []

// --- Kubernetes
@description('Cluster that hosts the app, all or none: oidcIssuer (empty for no cluster), subject of its service account, kedaSubject of KEDA\'s operator.')
param kubernetes object = {
  oidcIssuer: ''
  subject: 'system:serviceaccount:pigeonhole:pigeonhole'
  kedaSubject: 'system:serviceaccount:keda:keda-operator'
}

var abbrs = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var languageName = '${abbrs.cognitiveServicesTextAnalytics}${token}'
var functionAppName = '${abbrs.webSitesFunctions}${token}'
var deploymentContainer = 'deployments'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourcesResourceGroups}${environmentName}'
  location: location
  tags: allTags
}

module identities 'app/identities.bicep' = {
  scope: group
  params: {
    location: location
    tags: allTags
    appIdentityName: '${abbrs.managedIdentityUserAssignedIdentities}app-${token}'
    authoringIdentityName: '${abbrs.managedIdentityUserAssignedIdentities}authoring-${token}'
    kubernetes: kubernetes
  }
}

module storages 'app/storages.bicep' = {
  scope: group
  params: {
    location: location
    tags: allTags
    hostName: '${abbrs.storageStorageAccounts}host${token}'
    dataName: '${abbrs.storageStorageAccounts}data${token}'
    skuName: storageSku
    deploymentContainer: deploymentContainer
    containers: containers
    queues: queues
    retentionDays: retentionDays
    isPrivate: vnetEnabled
    allowedIpAddresses: allowedIpAddresses
    labellingOrigins: labellingOrigins
  }
}

module language 'app/language.bicep' = {
  scope: group
  params: {
    name: languageName
    location: location
    tags: allTags
    skuName: languageSku
    trainingStorageId: storages.outputs.dataId
    restore: restoreLanguageAccount
    isPrivate: vnetEnabled
    allowedIpAddresses: allowedIpAddresses
  }
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceName: '${abbrs.operationalInsightsWorkspaces}${token}'
    insightsName: '${abbrs.insightsComponents}${token}'
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module eventTopic 'app/event-topic.bicep' = {
  scope: group
  params: {
    name: '${abbrs.eventGridSystemTopics}${token}'
    location: location
    tags: allTags
    sourceId: storages.outputs.dataId
  }
}

module roles 'app/roles.bicep' = {
  scope: group
  params: {
    hostStorageName: storages.outputs.hostName
    dataStorageName: storages.outputs.dataName
    trainingContainer: containers.training
    deadLetterContainer: containers.deadLetters
    eventsQueue: queues.events
    languageName: language.outputs.name
    insightsName: monitoring.outputs.insightsName
    appPrincipalId: identities.outputs.appPrincipalId
    authoringPrincipalId: identities.outputs.authoringPrincipalId
    languagePrincipalId: language.outputs.principalId
    topicPrincipalId: eventTopic.outputs.principalId
    deployerPrincipalId: principalType == 'ServicePrincipal' ? '' : principalId
    deployerPrincipalType: principalType
  }
}

module eventQueue 'app/event-queue.bicep' = if (eventDelivery == 'queue') {
  scope: group
  // Event Grid tries the queue and the dead-letter container when it is told of them, and a role takes a minute or two
  // to be known everywhere: this comes after all that takes time.
  dependsOn: [roles, functionApp, network, alerts]
  params: {
    topicName: eventTopic.outputs.name
    storageAccountName: storages.outputs.dataName
    documentsContainer: containers.documents
    eventsQueue: queues.events
    deadLetterContainer: containers.deadLetters
  }
}

module network 'app/network.bicep' = if (vnetEnabled) {
  scope: group
  params: {
    location: location
    tags: allTags
    networkName: '${abbrs.networkVirtualNetworks}${token}'
    endpointPrefix: abbrs.networkPrivateEndpoints
    addresses: vnetAddresses
    hostStorageId: storages.outputs.hostId
    dataStorageId: storages.outputs.dataId
    languageId: language.outputs.id
  }
}

module appSettings 'app/app-settings.bicep' = {
  scope: group
  params: {
    blobEndpoint: storages.outputs.dataBlobEndpoint
    queueEndpoint: storages.outputs.dataQueueEndpoint
    appClientId: identities.outputs.appClientId
    authoringClientId: identities.outputs.authoringClientId
    languageEndpoint: language.outputs.endpoint
    containers: containers
    queues: queues
    languageApi: languageApi
    languageProject: languageProject
    languageModel: languageModel
    languageProjectKind: languageProjectKind
    languageRequestsPerMinute: languageRequestsPerMinute
    maxDocumentBytes: maxDocumentBytes
    oversized: oversized
    graceMinutes: graceMinutes
    reconcileSchedule: reconcileSchedule
    sweepSchedule: sweepSchedule
    extra: extraAppSettings
  }
}

module functionApp 'app/function-app.bicep' = if (deployFunctionApp) {
  scope: group
  // The host reads its storage as soon as it starts.
  dependsOn: [roles]
  params: {
    planName: '${abbrs.webServerFarms}${token}'
    appName: functionAppName
    location: location
    tags: allTags
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    hostStorageName: storages.outputs.hostName
    deploymentContainerUrl: '${storages.outputs.hostBlobEndpoint}${deploymentContainer}'
    appIdentityId: identities.outputs.appIdentityId
    appClientId: identities.outputs.appClientId
    authoringIdentityId: identities.outputs.authoringIdentityId
    insightsName: monitoring.outputs.insightsName
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    signInClientId: signInClientId
    appSettings: appSettings.outputs.settings
  }
}

module alerts 'app/alerts.bicep' = if (alertsEnabled) {
  scope: group
  // Last, so that the app is deployed before anyone listens for its silence.
  dependsOn: [functionApp]
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    topicName: eventTopic.outputs.name
    actionGroupName: '${abbrs.insightsActionGroups}${token}'
    emails: alertEmails
    eventDelivery: eventDelivery
    thresholds: alertThresholds
  }
}

module budget 'app/budget.bicep' = if (budgetAmount > 0) {
  scope: group
  params: {
    name: '${abbrs.consumptionBudgets}${token}'
    amount: budgetAmount
    startDate: budgetStartDate
    emails: alertEmails
  }
}

// azd keeps the outputs in the environment, where the hooks and the operator find them. All of them are strings: azd
// writes a number as Go prints a float, 4e+06.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = deployFunctionApp ? functionAppName : ''
output FUNCTION_APP_URL string = deployFunctionApp ? functionApp!.outputs.url : ''
output HOST_STORAGE_NAME string = storages.outputs.hostName
output DATA_STORAGE_NAME string = storages.outputs.dataName
output DOCUMENTS_CONTAINER string = containers.documents
output CLASSIFICATIONS_CONTAINER string = containers.classifications
output FAILURES_CONTAINER string = containers.failures
output PIPELINE_CONTAINER string = containers.pipeline
output TRAINING_CONTAINER string = containers.training
output DEAD_LETTER_CONTAINER string = containers.deadLetters
output EVENT_DELIVERY string = eventDelivery
output EVENT_TOPIC_NAME string = eventTopic.outputs.name
output MAX_DOCUMENT_BYTES string = string(maxDocumentBytes)
output LANGUAGE_ACCOUNT_NAME string = language.outputs.name
output LANGUAGE_ENDPOINT string = language.outputs.endpoint
output APP_CLIENT_ID string = identities.outputs.appClientId
output AUTHORING_CLIENT_ID string = identities.outputs.authoringClientId
output INSIGHTS_NAME string = monitoring.outputs.insightsName
