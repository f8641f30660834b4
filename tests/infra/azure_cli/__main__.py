"""The program: `python -m tests.infra.azure_cli STATE ARGUMENTS...`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.infra.azure_cli import output, subscription
from tests.infra.azure_cli.arguments import parse


def main(state: Path, arguments: list[str]) -> None:
    kept = json.loads(state.read_text(encoding="utf-8"))
    state.write_text(json.dumps(kept | {"calls": [*kept["calls"], arguments]}), encoding="utf-8")
    command, options = parse(arguments)
    query, form = options.pop("query"), options.pop("output")
    sys.stdout.write(output.text(subscription.run(state, command, options), query, form and form.lower()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
