"""`python3 -m infra.hooks NAME`: run a hook; when it fails, say why and what to do."""

from __future__ import annotations

import sys

from infra.hooks import connect_uploads, prepare_subscription, staging
from infra.hooks.failures import HookError

HOOKS = {
    "prepackage": staging.run,
    "preprovision": prepare_subscription.run,
    "predeploy": staging.run,
    "postdeploy": connect_uploads.run,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in HOOKS:
        print("usage: python3 -m infra.hooks " + "|".join(HOOKS), file=sys.stderr)
        return 2
    (name,) = arguments

    def say(text: str) -> None:
        print(f"{name}: {text}", flush=True)

    try:
        HOOKS[name](say)
    except HookError as failure:
        print(f"{name}: failed: {failure.cause}\n{name}: to mend it: {failure.mend}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
