// EVENT_DELIVERY=queue, and no deployer: uploads by the events queue, no key anywhere.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param eventDelivery = 'queue'
