#!/bin/sh
# Second phase of a deployment: connect uploads to the blob trigger of the deployed app.
#
# The trigger's key is made by the host when the app first starts. This script waits until it exists and then lets
# event-webhook.bicep read it: the key never enters this script, its arguments or its output.
# Run it as often as you like. It changes the event subscription documents-to-webhook and nothing else.
set -eu

cd "$(dirname "$0")/../.."

: "${AZURE_SUBSCRIPTION_ID:?is missing: run this by azd, or with the values of: azd env get-values}"
: "${AZURE_RESOURCE_GROUP:?is missing: run azd provision first}"
: "${EVENT_DELIVERY:?is missing: run azd provision first}"
: "${EVENT_TOPIC_NAME:?is missing: run azd provision first}"

seconds=${PIGEONHOLE_HOOK_SECONDS:-10}

say() {
  printf 'postdeploy: %s\n' "$1"
}

has_subscription() {
  az eventgrid system-topic event-subscription show --subscription "$AZURE_SUBSCRIPTION_ID" \
    --resource-group "$AZURE_RESOURCE_GROUP" --system-topic-name "$EVENT_TOPIC_NAME" --name "$1" \
    --output none >/dev/null 2>&1
}

# Both deliveries at once classify nothing twice, but cost twice. What to remove is the operator's decision.
warn_about() {
  if has_subscription "$1"; then
    say "the event subscription $1 of another delivery still exists; remove it with:"
    say "az eventgrid system-topic event-subscription delete --resource-group $AZURE_RESOURCE_GROUP --system-topic-name $EVENT_TOPIC_NAME --name $1"
  fi
}

# Asks whether the key is missing; the answer is true or false, the key itself is not printed.
key_exists() {
  missing=$(az functionapp keys list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" \
    --name "$FUNCTION_APP_NAME" --query '!systemKeys.blobs_extension' --output tsv 2>/dev/null) || return 1
  [ "$missing" = false ]
}

connect() {
  az deployment group create --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" \
    --name connect-uploads --template-file infra/app/event-webhook.bicep --output none --parameters \
    "topicName=$EVENT_TOPIC_NAME" "functionAppName=$FUNCTION_APP_NAME" "storageAccountName=$DATA_STORAGE_NAME" \
    "documentsContainer=$DOCUMENTS_CONTAINER" "deadLetterContainer=$DEAD_LETTER_CONTAINER" \
    "maxDocumentBytes=$MAX_DOCUMENT_BYTES" 2>&1
}

if [ "$EVENT_DELIVERY" = queue ]; then
  say "uploads go to the events queue; nothing to connect"
  warn_about documents-to-webhook
  exit 0
fi

: "${FUNCTION_APP_NAME:?is missing: event delivery webhook needs the function app}"
: "${DATA_STORAGE_NAME:?is missing: run azd provision first}"
: "${DOCUMENTS_CONTAINER:?is missing: run azd provision first}"
: "${DEAD_LETTER_CONTAINER:?is missing: run azd provision first}"
: "${MAX_DOCUMENT_BYTES:?is missing: run azd provision first}"

attempt=1
until key_exists; do
  if [ "$attempt" -ge 30 ]; then
    say "the app has no key for its blob trigger: it does not start, or az is not signed in; see docs/operations.md" >&2
    exit 1
  fi
  say "waiting for the app to start ($attempt of 30)"
  attempt=$((attempt + 1))
  sleep "$seconds"
done

attempt=1
until answer=$(connect); do
  # The error may quote the address, and the address holds the key.
  printf '%s\n' "$answer" | sed 's/code=[^&"'"'"'[:space:]]*/code=***/g' >&2
  if [ "$attempt" -ge 3 ]; then
    say "uploads are not connected; once the app answers, run: azd hooks run postdeploy" >&2
    exit 1
  fi
  say "Event Grid could not reach the app ($attempt of 3)"
  attempt=$((attempt + 1))
  sleep "$seconds"
done

say "uploads of $DATA_STORAGE_NAME/$DOCUMENTS_CONTAINER reach $FUNCTION_APP_NAME"
warn_about documents-to-queue
