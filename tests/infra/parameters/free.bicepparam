// The free tier, and everything optional that the other sets leave out.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param languageSku = 'F0'
param tags = { team: 'letters' }
param alertEmails = ['someone@letters.example']
param budgetAmount = 20
param budgetStartDate = '2026-01-01'
param retentionDays = { softDelete: 1, batches: 2, deadLetters: 3, documents: 4 }
param alwaysReady = [{ name: 'http', instanceCount: 1 }]
param extraAppSettings = { PIPELINE_LINGER_SECONDS: '5' }
param labellingOrigins = ['https://language.cognitive.azure.com']
