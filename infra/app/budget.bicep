// Optional: a monthly budget of the resource group, with mails. It stops nothing.

@description('Name of the budget.')
param name string

@description('Amount a month, in the currency of the subscription.')
param amount int

@description('First day of the month it begins with, as 2026-01-01. Azure does not let it change afterwards.')
param startDate string

@description('Who gets a mail.')
param emails array

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      forecasted: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
      }
      nearly: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
      }
      spent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: emails
      }
    }
  }
}
