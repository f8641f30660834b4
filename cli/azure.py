"""What only the Azure CLI can tell: the master key of a deployed app. The hooks of azd need `az` too."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from cli.steps import StepFailedError

_SECONDS = 120.0


def read_master_key(values: Mapping[str, str]) -> str:
    """The key that opens every function; it is not printed. Raises StepFailedError."""
    az = shutil.which("az")
    if az is None:
        raise StepFailedError(
            "the app's master key is read with the Azure CLI, and there is no `az` on the PATH",
            do="install it (https://aka.ms/azure-cli) and sign in: az login",
        )
    group, app = values["AZURE_RESOURCE_GROUP"], values["FUNCTION_APP_NAME"]
    command = [az, "functionapp", "keys", "list", "--subscription", values["AZURE_SUBSCRIPTION_ID"]]
    command += ["--resource-group", group, "--name", app, "--query", "masterKey", "--output", "tsv"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(f"az has not answered for {_SECONDS:.0f} s", do="try: az account show") from error
    key = answer.stdout.strip()
    if answer.returncode == 0 and key:
        return key
    raise _explained(answer, app)


def _explained(answer: subprocess.CompletedProcess[str], app: str) -> StepFailedError:
    lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
    error = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "az printed no key")
    what = f"the master key of {app} cannot be read: {error[:300]}"
    if "az login" in answer.stderr:
        return StepFailedError(what, do="sign in: az login")
    if "AuthorizationFailed" in answer.stderr:
        return StepFailedError(what, do="it takes the role Contributor, or Website Contributor, on the function app")
    if "NotFound" in answer.stderr:
        return StepFailedError(what, do="deploy it: azd up")
    return StepFailedError(what, do="the Functions host makes its keys when it first starts: wait a minute, then again")
