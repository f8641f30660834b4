"""`python -m tools.command_docs` writes the reference in docs/command.md from the commands' help; a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli.exit_codes import EXIT_CODES
from cli.main import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "command.md"
BEGIN, END = "<!-- reference: python -m tools.command_docs -->", "<!-- end of the reference -->"
# Every command has them; the page describes them once.
SHARED = {"--environment", "--url", "--running", "--json", "--help"}


def exit_code_table() -> str:
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["| Code | Meaning |", "|---|---|", *rows])


def reference() -> str:
    """The exit codes, then every command with its arguments, its own options and its examples."""
    root: Any = typer.main.get_command(app)
    parts = [
        _command(context, command) for context, command in _walk(root, typer.Context(root, info_name="pigeonhole"))
    ]
    return "\n\n".join([exit_code_table(), *parts])


def _walk(group: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    for name, command in group.commands.items():
        inner = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from _walk(command, inner)
        else:
            yield inner, command


def _command(context: Any, command: Any) -> str:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"### `{context.command_path.split(' [')[0]}`", "", f"`{_path(context)} {usage}`", ""]
    lines += [_text(command.help or ""), ""]
    records = [param.get_help_record(context) for param in command.params if not SHARED & set(param.opts)]
    rows = [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in filter(None, records)]
    if rows:
        lines += ["| Argument, option | Meaning |", "|---|---|", *rows, ""]
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    return "\n".join([*lines, "```sh", *examples, "```"])


def _path(context: Any) -> str:
    names = []
    while context is not None:
        names.append(context.info_name)
        context = context.parent
    return " ".join(reversed(names))


def _text(text: str) -> str:
    """Paragraphs as they are; what is kept line by line becomes a block of code."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        kept = paragraph.lstrip().startswith("\b")
        paragraphs.append(
            f"```\n{paragraph.strip(chr(8)).strip(chr(10))}\n```" if kept else " ".join(paragraph.split())
        )
    return "\n\n".join(paragraphs)


def _cell(text: str) -> str:
    """Without the Python type that an argument's name ends with."""
    return re.sub(r" <[^>]+>", "", " ".join(text.split())).replace("|", "\\|")


def main() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{reference()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
