"""Parses arguments as the real `az` does, from the options in definitions.json."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import jmespath

DEFINITIONS: dict[str, Any] = json.loads(Path(__file__).with_name("definitions.json").read_text(encoding="utf-8"))
COMMANDS: dict[str, list[dict[str, Any]]] = DEFINITIONS["commands"]
_USAGE_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"ERROR: {message}", file=sys.stderr)
        sys.exit(_USAGE_ERROR)


def split(arguments: list[str]) -> tuple[str, list[str]]:
    """The command, and the rest. Exits as `az` does on one that is not known (or not in definitions.json)."""
    words: list[str] = []
    for word in arguments:
        if word.startswith("-"):
            break
        words.append(word)
        command = " ".join(words)
        if command in COMMANDS:
            return command, arguments[len(words) :]
        if not any(name.startswith(command + " ") for name in COMMANDS):
            print(f"ERROR: '{word}' is misspelled or not recognized by the system.", file=sys.stderr)
            sys.exit(_USAGE_ERROR)
    print("ERROR: the following arguments are required: _subcommand", file=sys.stderr)
    sys.exit(_USAGE_ERROR)


def parse(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The command and its options by their first flag without dashes; `query` is compiled. Exits 2 like `az`."""
    command, rest = split(arguments)
    parser = _Parser(prog=f"az {command}", add_help=False)
    for option in COMMANDS[command]:
        parser.add_argument(*option["flags"], **_settings(option))
    options = vars(parser.parse_args(rest))
    for option in COMMANDS[command]:
        _check_choice(command, option, options[_name(option)])
    return command, options


def _name(option: dict[str, Any]) -> str:
    return str(option["flags"][0]).lstrip("-").replace("-", "_")


def _settings(option: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"dest": _name(option), "required": option.get("required", False)}
    if option.get("nargs") == 0:
        return settings | {"action": "store_true"}
    if "nargs" in option:
        settings["nargs"] = option["nargs"]
    if option.get("appends"):
        settings["action"] = "append"
    if option["flags"][0] == "--query":
        settings["type"] = _query
    return settings


def _query(text: str) -> Any:
    try:
        return jmespath.compile(text)
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(f"invalid jmespath_type value: {text!r}") from None


def _check_choice(command: str, option: dict[str, Any], value: Any) -> None:
    if "choices" in option and isinstance(value, str):
        choices = option["choices"]
        if value.lower() not in [choice.lower() for choice in choices]:
            print(
                f"ERROR: az {command}: '{value}' is not a valid value for '{option['flags'][0]}'. "
                f"Allowed values: {', '.join(choices)}.",
                file=sys.stderr,
            )
            sys.exit(_USAGE_ERROR)
