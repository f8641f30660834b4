// The Flex Consumption plan and the app on it. Everything it needs to start is here; the code comes with azd deploy.

@description('Name of the plan.')
param planName string

@description('Name of the app.')
param appName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Python of the app.')
param pythonVersion string

@description('Memory of an instance in MB.')
param instanceMemoryMB int

@description('Most instances at once.')
param maximumInstanceCount int

@description('Instances kept warm: objects with name (http, blob or function:<name>) and instanceCount.')
param alwaysReady array

@description('Storage account of the host.')
param hostStorageName string

@description('Blob container of the deployed package, as an address.')
param deploymentContainerUrl string

@description('Resource id of the identity that classifies and reaches storage.')
param appIdentityId string

@description('Client id of the identity that classifies and reaches storage.')
param appClientId string

@description('Resource id of the identity that trains and publishes.')
param authoringIdentityId string

@description('Name of the Application Insights component.')
param insightsName string

@description('Subnet for outgoing traffic; empty for none.')
param subnetId string

@description('Client id of the Entra app registration that people sign in by; empty for none.')
param signInClientId string

@description('Settings of the app itself, see app-settings.bicep.')
param appSettings object

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${appIdentityId}': {}
      '${authoringIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Event Grid's webhook and the HTTP functions; every one of them asks for a key.
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: appIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union({
    // By account name: with one address for each service, apps on this plan were seen to be unhealthy (functions-host 11787).
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: appClientId
    AZURE_CLIENT_ID: appClientId
    // Its instrumentation key opens nothing: local authentication is off.
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${appClientId};Authorization=AAD'
    // Handlers are synchronous and run in threads: at least as many as host.json lets run at once.
    PYTHON_THREADPOOL_THREAD_COUNT: '16'
  }, empty(signInClientId) ? {} : { EASY_AUTH: 'true' }, appSettings)
}

// Easy Auth stands before the app, takes what callers send as its headers away, and sets its own for those it signed in.
// Anonymous calls pass: Event Grid's webhook and programs come with a key, and every function asks for one.
resource signIn 'Microsoft.Web/sites/config@2025-03-01' = if (!empty(signInClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [signInClientId]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

// Publishing by password stays off; azd publishes with an identity.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
