"""Runs `az`: shows what it prints to stderr, masks keys, and knows the failures that no repetition mends."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from infra.hooks.failures import HookError

Say = Callable[[str], None]

# The address of Event Grid's subscription ends in the key; an error of Azure's may quote it, also inside JSON.
_KEY = re.compile(r"(code)=[^&\"'\s\\]*")


class Answer(NamedTuple):
    """What `az` answered. `stderr` has its keys masked."""

    code: int
    stdout: str
    stderr: str

    @property
    def is_ok(self) -> bool:
        return self.code == 0

    @property
    def is_not_found(self) -> bool:
        """azure-cli's exit code for whatever Azure answers 404 to."""
        return self.code == 3


class _Known(NamedTuple):
    pattern: str
    cause: str
    mend: str


_KNOWN = (
    _Known(
        r"az login|az logout|AADSTS\d|Interactive authentication is needed",
        "az is not signed in, or its sign-in has expired",
        "az login (azd auth login is a sign-in of azd's own), then {again}",
    ),
    _Known(
        r"Subscription '.*' not found|The subscription of '.*' doesn't exist in cloud",
        "az is signed in, but not to the subscription of this azd environment",
        "az login --tenant <the subscription's tenant>, or choose another with azd env set AZURE_SUBSCRIPTION_ID;"
        " then {again}",
    ),
    _Known(
        r"ResourceKindRequireAcceptTerms",
        "the subscription has not accepted the Responsible AI terms, which its first Language resource needs",
        "an owner or contributor creates a Language resource in the Azure portal once, which asks for them, and may"
        " delete it again (docs/operations.md, section 1); then {again}",
    ),
    _Known(
        r"AuthorizationFailed|does not have authorization to perform action",
        "your account may not do that in the subscription",
        "get the roles that docs/operations.md, section 1, names; a new one takes some minutes; then {again}",
    ),
    _Known(
        r"ResourceGroupNotFound|ResourceNotFound",
        "what the azd environment names does not exist in Azure",
        "azd provision, then {again}",
    ),
    _Known(
        r"unrecognized arguments|misspelled or not recognized|is not a valid value for '--",
        "this az does not know what the hook asks of it",
        "az upgrade, then {again}",
    ),
    _Known(
        r"latest Bicep version|Bicep CLI not found|Error while attempting to download Bicep",
        "az has no Bicep CLI, and could not download one",
        "az bicep install, where there is a network to; or with a bicep of your own on the PATH:"
        " az config set bicep.use_binary_from_path=true; then {again}",
    ),
    _Known(
        r"Max retries exceeded|NewConnectionError|getaddrinfo failed|Name or service not known|Connection refused",
        "az does not reach Azure",
        "look at the network and at the proxy settings of this machine, then {again}",
    ),
)


def ask(*arguments: str) -> Answer:
    """Run `az`; whatever it answers, in time, is the caller's to judge. Raises HookError where there is no `az`."""
    program = shutil.which("az")  # az.cmd on Windows, which only a full path starts
    if program is None:
        raise HookError(
            cause="the Azure CLI (az) is not installed, or not on the PATH",
            mend="install it (https://aka.ms/azure-cli), az login, and try again",
        )
    run = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return Answer(run.returncode, _text(run.stdout).strip(), _KEY.sub(r"\1=***", _text(run.stderr)).strip())


def show(answer: Answer) -> None:
    if answer.stderr:
        print(answer.stderr, file=sys.stderr, flush=True)


def raise_known(answer: Answer, *, again: str) -> None:
    """Raises HookError, if this is a failure that only a person can end."""
    failure = None if answer.is_ok else known(answer, again=again)
    if failure is not None:
        raise failure


def raise_unless_ok(answer: Answer, *, doing: str, again: str) -> None:
    """Raises HookError for a failure, known or not."""
    raise_known(answer, again=again)
    if not answer.is_ok:
        raise HookError(
            cause=f"az failed at {doing}; its words are above", mend=f"correct what they name, then {again}"
        )


def known(answer: Answer, *, again: str) -> HookError | None:
    for each in _KNOWN:
        if re.search(each.pattern, answer.stderr):
            return HookError(cause=each.cause, mend=each.mend.format(again=again))
    return None


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace")
