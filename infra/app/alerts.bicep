// What someone should know without looking. Queries read log lines and function names of the app: tests/infra compares
// them with the code.

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

@description('When to fire: oldestWaitingMinutes; failedDocuments, failedExecutions, throttledRequests in an hour; deploymentExpiryDays.')
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

// Traces are sampled under load, so each row weighs what ItemCount says; requests and exceptions never are (host.json).
var rules = [
  {
    name: 'pigeonhole-dead-letters'
    description: 'A message failed five times or could not be read. It is kept, with the reason, below pipeline/dead-letters/.'
    severity: 1
    query: 'AppTraces | where Message startswith "dead_letter_kept" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-unreadable-state'
    description: 'A blob of the app itself, in the pipeline container, cannot be read. The log line names it; the others go on.'
    severity: 1
    query: 'AppTraces | where Message startswith "state_unreadable" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-oldest-waiting'
    description: 'A document has waited too long for its classification, or no model is published.'
    severity: 2
    query: 'AppTraces | where Message startswith "pipeline_metrics" | project TimeGenerated, Value = toint(extract("oldest_waiting_seconds=([0-9]+)", 1, Message)) / 60'
    aggregation: 'Maximum'
    threshold: thresholds.oldestWaitingMinutes
    window: 'PT30M'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-failed-documents'
    description: 'Many documents get a failure record.'
    severity: 2
    query: 'AppTraces | where Message startswith "document_failed" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    threshold: thresholds.failedDocuments
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-failed-executions'
    description: 'Functions fail: a bug, a timer one of whose parts failed, or a queue that takes no message. Refusals of the Language service and of blob storage fail no step.'
    severity: 2
    query: 'AppRequests | where Success == false | project TimeGenerated, Value = 1'
    aggregation: 'Total'
    threshold: thresholds.failedExecutions
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-throttled'
    description: 'The Language service refuses many requests. Nothing is lost, but classification is at its limit.'
    severity: 3
    query: 'AppTraces | where Message startswith "step_deferred" and Message has "429" | project TimeGenerated, Value = ItemCount'
    aggregation: 'Total'
    threshold: thresholds.throttledRequests
    window: 'PT1H'
    frequency: 'PT15M'
  }
  {
    name: 'pigeonhole-deployment-expiry'
    description: 'The deployed model expires soon; after that nothing is classified. Retrain and publish.'
    severity: 1
    query: 'AppTraces | where Message startswith "deployment_expires" | where toint(extract("days=(-?[0-9]+)", 1, Message)) < ${thresholds.deploymentExpiryDays} | project TimeGenerated, Value = 1'
    aggregation: 'Total'
    threshold: 0
    window: 'P1D'
    frequency: 'P1D'
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
          operator: 'GreaterThan'
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

resource undeliveredEvents 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'pigeonhole-undelivered-events'
  location: 'global'
  tags: tags
  properties: {
    description: 'Upload events could not be delivered: a rotated key, or an app that does not start. Reconcile sends the documents again.'
    severity: 2
    enabled: true
    scopes: [topic.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'undelivered-events'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: empty(emails) ? [] : [
      {
        actionGroupId: group.id
      }
    ]
  }
}
