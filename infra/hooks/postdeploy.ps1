# Second phase of a deployment: connect uploads to the blob trigger of the deployed app. Windows twin of postdeploy.sh,
# where everything is explained.
$ErrorActionPreference = 'Stop'

Set-Location (Join-Path $PSScriptRoot '../..')

# az writes to stderr what is no failure here; its exit code is what counts.
$ErrorActionPreference = 'Continue'

$seconds = if ($env:PIGEONHOLE_HOOK_SECONDS) { [int]$env:PIGEONHOLE_HOOK_SECONDS } else { 10 }

function Say([string] $text) {
    Write-Output "postdeploy: $text"
}

function Stop-Hook([string] $text) {
    [Console]::Error.WriteLine("postdeploy: $text")
    exit 1
}

function Assert-Value([string[]] $names) {
    foreach ($name in $names) {
        if (-not [Environment]::GetEnvironmentVariable($name)) {
            Stop-Hook "$name is missing: run this by azd, after azd provision"
        }
    }
}

function Test-Subscription([string] $name) {
    az eventgrid system-topic event-subscription show --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:AZURE_RESOURCE_GROUP --system-topic-name $env:EVENT_TOPIC_NAME --name $name `
        --output none 2>&1 | Out-Null
    return $LASTEXITCODE -eq 0
}

function Show-Leftover([string] $name) {
    if (Test-Subscription $name) {
        Say "the event subscription $name of another delivery still exists; remove it with:"
        Say "az eventgrid system-topic event-subscription delete --resource-group $env:AZURE_RESOURCE_GROUP --system-topic-name $env:EVENT_TOPIC_NAME --name $name"
    }
}

function Test-Key {
    $missing = az functionapp keys list --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:AZURE_RESOURCE_GROUP --name $env:FUNCTION_APP_NAME `
        --query '!systemKeys.blobs_extension' --output tsv 2>$null
    return ($LASTEXITCODE -eq 0) -and ($missing -eq 'false')
}

function Connect-Uploads {
    az deployment group create --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:AZURE_RESOURCE_GROUP `
        --name connect-uploads --template-file infra/app/event-webhook.bicep --output none --parameters `
        "topicName=$env:EVENT_TOPIC_NAME" "functionAppName=$env:FUNCTION_APP_NAME" `
        "storageAccountName=$env:DATA_STORAGE_NAME" "documentsContainer=$env:DOCUMENTS_CONTAINER" `
        "deadLetterContainer=$env:DEAD_LETTER_CONTAINER" "maxDocumentBytes=$env:MAX_DOCUMENT_BYTES" 2>&1
}

Assert-Value 'AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'EVENT_DELIVERY', 'EVENT_TOPIC_NAME'

if ($env:EVENT_DELIVERY -eq 'queue') {
    Say 'uploads go to the events queue; nothing to connect'
    Show-Leftover 'documents-to-webhook'
    exit 0
}

Assert-Value 'FUNCTION_APP_NAME', 'DATA_STORAGE_NAME', 'DOCUMENTS_CONTAINER', 'DEAD_LETTER_CONTAINER', 'MAX_DOCUMENT_BYTES'

$attempt = 1
while (-not (Test-Key)) {
    if ($attempt -ge 30) {
        Stop-Hook 'the app has no key for its blob trigger: it does not start, or az is not signed in; see docs/operations.md'
    }
    Say "waiting for the app to start ($attempt of 30)"
    $attempt++
    Start-Sleep -Seconds $seconds
}

$attempt = 1
while ($true) {
    $answer = Connect-Uploads | Out-String
    if ($LASTEXITCODE -eq 0) { break }
    [Console]::Error.WriteLine(($answer -replace 'code=[^&"''\s]*', 'code=***'))
    if ($attempt -ge 3) {
        Stop-Hook 'uploads are not connected; once the app answers, run: azd hooks run postdeploy'
    }
    Say "Event Grid could not reach the app ($attempt of 3)"
    $attempt++
    Start-Sleep -Seconds $seconds
}

Say "uploads of $env:DATA_STORAGE_NAME/$env:DOCUMENTS_CONTAINER reach $env:FUNCTION_APP_NAME"
Show-Leftover 'documents-to-queue'
