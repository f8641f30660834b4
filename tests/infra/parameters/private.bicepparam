// VNET_ENABLED=true: private endpoints, a firewall with one hole, a pipeline that deploys, people who sign in.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param eventDelivery = 'queue'
param vnetEnabled = true
param allowedIpAddresses = ['203.0.113.7']
param principalId = '00000000-0000-0000-0000-00000000beef'
param principalType = 'ServicePrincipal'
param signInClientId = '00000000-0000-0000-0000-000000005167'
