// Two identities, so that the hot path cannot publish or delete a model: the classifying one reads and runs,
// the authoring one is used for retraining and publishing only.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the identity that classifies and reaches storage.')
param appIdentityName string

@description('Name of the identity that trains and publishes.')
param authoringIdentityName string

@description('Kubernetes cluster that hosts the app: oidcIssuer (empty for none), subject, kedaSubject.')
param kubernetes object

var hasCluster = !empty(kubernetes.oidcIssuer)

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: appIdentityName
  location: location
  tags: tags
}

resource authoring 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: authoringIdentityName
  location: location
  tags: tags
}

resource appInCluster 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (hasCluster) {
  parent: app
  name: 'kubernetes'
  properties: {
    issuer: kubernetes.oidcIssuer
    subject: kubernetes.subject
    audiences: ['api://AzureADTokenExchange']
  }
}

resource kedaInCluster 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (hasCluster) {
  parent: app
  name: 'keda'
  // Azure refuses two at once on one identity.
  dependsOn: [appInCluster]
  properties: {
    issuer: kubernetes.oidcIssuer
    subject: kubernetes.kedaSubject
    audiences: ['api://AzureADTokenExchange']
  }
}

resource authoringInCluster 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (hasCluster) {
  parent: authoring
  name: 'kubernetes'
  properties: {
    issuer: kubernetes.oidcIssuer
    subject: kubernetes.subject
    audiences: ['api://AzureADTokenExchange']
  }
}

output appIdentityId string = app.id
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output authoringIdentityId string = authoring.id
output authoringClientId string = authoring.properties.clientId
output authoringPrincipalId string = authoring.properties.principalId
