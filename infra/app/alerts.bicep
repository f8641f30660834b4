// What someone should know without looking. tests/infra/test_alerts.py runs each query over the lines of a run in which
// its cause was produced, and over those of a healthy run; docs/operations.md, section 9, says what to do.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Name of the Event Grid topic.')
param topicName string

@description('Name of the action group.')
param actionGroupName string

@description('Who gets a mail; empty for alerts in the portal only.')
param emails array

@description('How uploads reach the app: webhook or queue.')
param eventDelivery string

@description('When to fire: see alertThresholds in main.bicep.')
param thresholds object

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'pigeonhole'
    enabled: true
    emailReceivers: [for email in emails: {
      name: email
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

// A rule looks at the rows of its window, once in its frequency, which is what it is paid by. A window of twice the
// frequency also sees rows that came late. What is silent has no rows: a query that listens for it ends in `summarize`
// without `by`, which makes one row of none. Alert queries may not use `union`, so each asks one table. Requests,
// exceptions and traces are not sampled (host.json), or a rare line would be lost in a burst.
var commonRules = [
  {
    name: 'pigeonhole-app-silent'
    description: 'No function of the app has run for as long as alertThresholds.silence says, not even its timers: it does not start (a setting, a package for another Python, 0 functions found), it is stopped, or its telemetry is lost (role, daily cap of the workspace). Documents wait meanwhile. Look at /api/health, then at the app\'s Log stream in the portal, which names what keeps it from starting.'
    severity: 1
    query: 'AppRequests | summarize Value = count() | project TimeGenerated = now(), Value'
    aggregation: 'Maximum'
    operator: 'LessThan'
    threshold: 1
    window: thresholds.silence
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-timers-stopped'
    description: 'Functions run, but sweep or reconcile has not come to its end for as long as alertThresholds.silence says. Without them lost events, lost messages and dead letters are not noticed, and most other alerts are deaf. If the timer fails, its exception is in AppExceptions; if it does not run at all, restart the app, and if that does not help, deploy it again.'
    severity: 1
    query: 'AppRequests | summarize Runs = count(), Sweeps = countif(Success and Name == "sweep"), Reconciles = countif(Success and Name == "reconcile") | where Runs > 0 | project TimeGenerated = now(), Value = min_of(Sweeps, Reconciles)'
    aggregation: 'Minimum'
    operator: 'LessThan'
    threshold: 1
    window: thresholds.silence
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-dead-letters'
    description: 'A message of one of the queues failed five times or could not be read. It is kept, with the reason, below pipeline/dead-letters/QUEUE/. Read it, remove the cause, put it back with POST /api/dead-letters/redrive.'
    severity: 1
    query: 'AppTraces | where Message startswith "dead_letter_kept" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-unreadable-state'
    description: 'A blob of the app itself, in the pipeline container, cannot be read. The log line state_unreadable names it; everything else goes on. Repair or delete it as docs/operations.md, section 5, says.'
    severity: 1
    query: 'AppTraces | where Message startswith "state_unreadable" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-oldest-waiting'
    description: 'A document has waited for its classification for longer than alertThresholds.oldestWaitingMinutes, or no model is published. GET /api/status and /api/health say what is waited for.'
    severity: 2
    query: 'AppTraces | where Message startswith "pipeline_metrics" | project TimeGenerated, Value = toint(extract("oldest_waiting_seconds=([0-9]+)", 1, Message)) / 60'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: thresholds.oldestWaitingMinutes
    window: 'PT30M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-failed-documents'
    description: 'More than alertThresholds.failedDocuments documents got a failure record within an hour. recent_failures of GET /api/status shows whether it is one code or one sender; put it right, then POST /api/failures/redrive.'
    severity: 2
    query: 'AppTraces | where Message startswith "document_failed" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: thresholds.failedDocuments
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-failed-executions'
    description: 'More than alertThresholds.failedExecutions runs of functions failed within an hour: a bug, a timer one of whose parts failed, or a queue that takes no message. Refusals of the Language service and of blob storage fail none, and a caller\'s mistake over HTTP (4xx) does not count. Read AppExceptions of the last hour.'
    severity: 2
    query: 'AppRequests | where Success == false and ResultCode !startswith "4" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: thresholds.failedExecutions
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-throttled'
    description: 'The Language service refused more than alertThresholds.throttledRequests requests within an hour. Nothing is lost, but classification is at its limit: lower languageRequestsPerMinute to what each process may have, or ask for a higher limit.'
    severity: 3
    query: 'AppTraces | where Message startswith "step_deferred" and Message has "429" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: thresholds.throttledRequests
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-lost-events'
    description: 'Reconcile found more than alertThresholds.lostEvents documents within an hour whose upload event never reached the app. They are being classified, late. Normal after documents were copied in before uploads were connected; otherwise run azd hooks run postdeploy and look into the container for undelivered events.'
    severity: 2
    query: 'AppTraces | where Message startswith "document_accepted" and Message has "source=reconcile" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: thresholds.lostEvents
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-deployment-expiry'
    description: 'The deployment in use expires within alertThresholds.expiryDays; after that every document waits. Retrain and publish: POST /api/projects/PROJECT/retrain.'
    severity: 1
    query: 'AppTraces | where Message startswith "deployment_expires" | project TimeGenerated, Value = toint(extract("days=(-?[0-9]+)", 1, Message))'
    aggregation: 'Minimum'
    operator: 'LessThan'
    threshold: thresholds.expiryDays
    window: 'P1D'
    frequency: 'P1D'
  }
  {
    name: 'pigeonhole-training-config-expiry'
    description: 'The models of the training configuration that a retraining would use expire within alertThresholds.expiryDays, and the service lists no newer one, or LANGUAGE_TRAINING_CONFIG names this one. Remove the setting; if there is none, ask Microsoft which configuration follows before you retrain.'
    severity: 2
    query: 'AppTraces | where Message startswith "training_config_expires" | project TimeGenerated, Value = toint(extract("days=(-?[0-9]+)", 1, Message))'
    aggregation: 'Minimum'
    operator: 'LessThan'
    threshold: thresholds.expiryDays
    window: 'P1D'
    frequency: 'P1D'
  }
]

// Only this delivery has a queue in which events can pile up; those of the webhook wait at Event Grid, see below.
var queueRules = [
  {
    name: 'pigeonhole-events-waiting'
    description: 'Upload events have waited in the events queue for longer than alertThresholds.oldestWaitingMinutes: accept_event does not run, or does not keep up. Its exceptions are in AppExceptions; reconcile finds the documents meanwhile.'
    severity: 2
    query: 'AppTraces | where Message startswith "events_waiting" | project TimeGenerated, Value = toint(extract("oldest_seconds=([0-9]+)", 1, Message)) / 60'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: thresholds.oldestWaitingMinutes
    window: 'PT30M'
    frequency: 'PT15M'
  }
]

var rules = concat(commonRules, eventDelivery == 'queue' ? queueRules : [])

// What only Event Grid knows. Metrics: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics
var eventRules = [
  {
    name: 'pigeonhole-undelivered-events'
    description: 'Event Grid gave up on upload events: a rotated key, or an app that does not start. They lie in the container for undelivered events; reconcile sends the documents again. Run azd hooks run postdeploy.'
    metric: 'DeadLetteredCount'
    threshold: 0
    window: 'PT15M'
  }
  {
    name: 'pigeonhole-dropped-events'
    description: 'Event Grid dropped upload events because it could not even write them to the container for undelivered events. Check the role of the topic\'s identity on the data storage; reconcile sends the documents again.'
    metric: 'DroppedEventCount'
    threshold: 0
    window: 'PT15M'
  }
  {
    name: 'pigeonhole-failing-deliveries'
    description: 'More than alertThresholds.failedDeliveries attempts to deliver upload events failed within an hour. Event Grid tries for 24 hours, then gives up: see whether the app starts and its key is the one that Event Grid has, or run azd hooks run postdeploy.'
    metric: 'DeliveryAttemptFailCount'
    threshold: thresholds.failedDeliveries
    window: 'PT1H'
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for rule in rules: {
  name: rule.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.name
    description: rule.description
    enabled: true
    severity: rule.severity
    scopes: [workspaceId]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    // A new workspace has no tables until the first log line arrives.
    skipQueryValidation: true
    autoMitigate: rule.frequency != 'P1D'
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: rule.aggregation
          metricMeasureColumn: 'Value'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(emails) ? [] : [group.id]
    }
  }
}]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource eventAlerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [for rule in eventRules: {
  name: rule.name
  location: 'global'
  tags: tags
  properties: {
    description: rule.description
    severity: 2
    enabled: true
    scopes: [topic.id]
    evaluationFrequency: 'PT15M'
    windowSize: rule.window
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: rule.metric
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: rule.metric
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: rule.threshold
        }
      ]
    }
    actions: empty(emails) ? [] : [
      {
        actionGroupId: group.id
      }
    ]
  }
}]
