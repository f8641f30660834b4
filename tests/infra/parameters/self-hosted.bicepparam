// Everything but the function app, for a Kubernetes cluster.

using '../../../infra/main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param deployFunctionApp = false
param eventDelivery = 'queue'
param kubernetes = {
  oidcIssuer: 'https://oidc.example/cluster/'
  subject: 'system:serviceaccount:pigeonhole:pigeonhole'
  kedaSubject: 'system:serviceaccount:keda:keda-operator'
}
