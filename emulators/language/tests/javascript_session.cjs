// Drives Microsoft's JavaScript client once, as standard input tells it, and prints what came of it.
// Arguments: the emulator's address and key. Started by test_javascript_sdk.py, with NODE_PATH naming the client's folder.
"use strict";

const { AzureKeyCredential, TextAnalysisClient } = require("@azure/ai-language-text");

async function run(asked) {
  const [endpoint, key] = process.argv.slice(2);
  const client = new TextAnalysisClient(endpoint, new AzureKeyCredential(key), {
    allowInsecureConnection: true,
    retryOptions: { maxRetryDelayInMs: 10 },
    ...(asked.apiVersion ? { serviceVersion: asked.apiVersion, apiVersion: asked.apiVersion } : {}),
  });
  const options = { updateIntervalInMs: 10, ...asked.options };
  const strings = typeof asked.documents[0] === "string";
  let poller = await client.beginAnalyzeBatch(asked.actions, asked.documents, ...(strings ? ["en", options] : [options]));
  if (asked.resume) {
    poller = await client.restoreAnalyzeBatchPoller(poller.toString(), options);
  }
  if (asked.cancel) {
    await poller.sendCancellationRequest();
  }
  if (asked.polls) {
    for (let poll = 0; poll < asked.polls; poll += 1) {
      await poller.poll();
    }
    const { status, actionSucceededCount, actionFailedCount } = poller.getOperationState();
    return { done: poller.isDone(), state: status, succeeded: actionSucceededCount, failed: actionFailedCount };
  }
  const pages = [];
  const paged = await poller.pollUntilDone();
  for await (const page of paged.byPage(asked.pageSize ? { maxPageSize: asked.pageSize } : {})) {
    pages.push(page);
  }
  const { status, displayName, actionSucceededCount, actionFailedCount } = poller.getOperationState();
  return { pages, state: status, displayName, succeeded: actionSucceededCount, failed: actionFailedCount };
}

async function main() {
  let input = "";
  for await (const chunk of process.stdin) {
    input += chunk;
  }
  try {
    return await run(JSON.parse(input));
  } catch (error) {
    return { error: { name: error.name, message: error.message, status: error.statusCode, code: error.code } };
  }
}

main().then((outcome) => process.stdout.write(JSON.stringify(outcome)));
