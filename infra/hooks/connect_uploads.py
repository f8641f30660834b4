"""Second phase of a deployment: connect uploads to the blob trigger of the deployed app.

The trigger's key is made by the host when the app first starts. The hook waits until it exists and then lets
event-webhook.bicep read it. It changes the event subscription documents-to-webhook and nothing else.
"""

from __future__ import annotations

import re
import time

from infra.hooks import azure_cli
from infra.hooks.azure_cli import Answer, Say
from infra.hooks.failures import HookError, required, retry_seconds

AGAIN = "azd hooks run postdeploy"
START_TRIES = 30
CONNECT_TRIES = 3

# True or false, never the key. A comparison, because `!` binds tighter than `.` in JMESPath; and without parentheses,
# which end a block in az.cmd on Windows.
KEY_IS_MISSING = "systemKeys.blobs_extension == null"

# Event Grid's ways of saying that the address it was given did not answer its handshake.
_HANDSHAKE = re.compile(r"Url validation|validation handshake failed|attempt to validate the provided endpoint")
_AZURE_IS_BUSY = re.compile(
    r"InternalServerError|ServiceUnavailable|GatewayTimeout|TooManyRequests|Connection aborted|Read timed out"
)


def run(say: Say) -> None:
    """Raises HookError when uploads are not connected."""
    delivery = required("EVENT_DELIVERY")
    group = ("--subscription", required("AZURE_SUBSCRIPTION_ID"), "--resource-group", required("AZURE_RESOURCE_GROUP"))
    topic = required("EVENT_TOPIC_NAME")
    if delivery == "queue":
        say("uploads go to the events queue; nothing to connect")
        _tell_leftover(say, group, topic, "documents-to-webhook")
        return
    parameters = _parameters(topic)
    _wait_for_key(say, group, parameters["functionAppName"])
    _connect(say, group, parameters)
    uploads = f"{parameters['storageAccountName']}/{parameters['documentsContainer']}"
    say(f"uploads of {uploads} reach {parameters['functionAppName']}")
    _tell_leftover(say, group, topic, "documents-to-queue")


def _parameters(topic: str) -> dict[str, str]:
    largest = required("MAX_DOCUMENT_BYTES")
    if not largest.isdigit():
        raise HookError(
            cause=f"MAX_DOCUMENT_BYTES is {largest!r}, which is no whole number: azd writes numbers of a template so",
            mend="azd provision with this version of the template, whose outputs are all text; then " + AGAIN,
        )
    return {
        "topicName": topic,
        "functionAppName": required("FUNCTION_APP_NAME"),
        "storageAccountName": required("DATA_STORAGE_NAME"),
        "documentsContainer": required("DOCUMENTS_CONTAINER"),
        "deadLetterContainer": required("DEAD_LETTER_CONTAINER"),
        "maxDocumentBytes": largest,
    }


def _wait_for_key(say: Say, group: tuple[str, ...], app: str) -> None:
    last = ""
    for attempt in range(1, START_TRIES + 1):
        answer = azure_cli.ask(
            *("functionapp", "keys", "list", *group, "--name", app, "--query", KEY_IS_MISSING, "--output", "tsv")
        )
        if answer.is_ok and answer.stdout == "false":
            return
        if answer.stderr != last:  # said once, however often it is repeated
            azure_cli.show(answer)
            last = answer.stderr
        azure_cli.raise_known(answer, again=AGAIN)
        if attempt < START_TRIES:
            say(f"waiting for the app to start ({attempt} of {START_TRIES})")
            time.sleep(retry_seconds())
    raise _never_started(app, answer)


def _never_started(app: str, answer: Answer) -> HookError:
    stream = (
        f"portal, {app}, Log stream: the app names there what it misses (docs/operations.md, section 1); then {AGAIN}"
    )
    if answer.is_ok:
        return HookError(
            cause=f"the host of {app} runs, but has no blob trigger: the app's functions were not loaded", mend=stream
        )
    return HookError(cause=f"the host of {app} does not start; Azure's last words are above", mend=stream)


def _connect(say: Say, group: tuple[str, ...], parameters: dict[str, str]) -> None:
    for attempt in range(1, CONNECT_TRIES + 1):
        answer = azure_cli.ask(
            *("deployment", "group", "create", *group, "--name", "connect-uploads"),
            *("--template-file", "infra/app/event-webhook.bicep", "--output", "none", "--parameters"),
            *(f"{name}={value}" for name, value in parameters.items()),
        )
        azure_cli.show(answer)
        azure_cli.raise_known(answer, again=AGAIN)
        if answer.is_ok:
            return
        cause = _reason(answer)
        if cause is None:
            raise HookError(
                cause="uploads are not connected: Azure refused the deployment connect-uploads; its words are above",
                mend=f"correct what they name, then {AGAIN}",
            )
        say(f"{cause} ({attempt} of {CONNECT_TRIES})")
        if attempt < CONNECT_TRIES:
            time.sleep(retry_seconds())
    raise HookError(
        cause=f"uploads are not connected: {cause}",
        mend=f"once /api/health of the app answers: {AGAIN}. Reconcile sends what is uploaded until then",
    )


def _reason(answer: Answer) -> str | None:
    """Why it is worth another try, or None."""
    if _HANDSHAKE.search(answer.stderr):
        return "Event Grid could not reach the app"
    if _AZURE_IS_BUSY.search(answer.stderr):
        return "Azure could not answer"
    return None


def _tell_leftover(say: Say, group: tuple[str, ...], topic: str, name: str) -> None:
    """Both deliveries at once classify nothing twice, but cost twice. What to remove is the operator's decision."""
    where = ("eventgrid", "system-topic", "event-subscription")
    of = (*group, "--system-topic-name", topic, "--name", name)
    answer = azure_cli.ask(*where, "show", *of, "--output", "none")
    if answer.is_ok:
        say(f"the event subscription {name} of another delivery still exists; remove it with:")
        say(f"az {' '.join((*where, 'delete', *of))}")
    elif not answer.is_not_found:
        azure_cli.show(answer)
        failure = azure_cli.known(answer, again=AGAIN)
        why = f": {failure.cause}. To mend it: {failure.mend}" if failure else ""
        say(f"note: whether the event subscription {name} of another delivery is left could not be asked{why}")
