"""Writes definitions.json: the options of the commands that our hooks use, asked of the real Azure CLI.

Run by the Python of an installed azure-cli (an environment of its own; it is no dependency of ours):
`python tests/infra/azure_cli/read_definitions.py`. Nothing is sent anywhere, and no login is needed.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("definitions.json")

COMMANDS = (
    "account show",
    "cognitiveservices account list",
    "cognitiveservices account list-deleted",
    "deployment group create",
    "deployment sub validate",
    "eventgrid system-topic event-subscription delete",
    "eventgrid system-topic event-subscription show",
    "functionapp keys list",
    "network vnet list",
    "provider register",
    "provider show",
)


def options(command: str) -> list[dict[str, Any]]:
    """Its options as argparse has them, in the order in which azure-cli itself builds a command's parser."""
    core = importlib.import_module("azure.cli.core")
    events = importlib.import_module("azure.cli.core.commands.events")
    created = importlib.import_module("knack.events").EVENT_INVOKER_POST_CMD_TBL_CREATE
    cli = core.get_default_cli()
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    cli.invocation.data["command_string"] = command
    loader = cli.invocation.commands_loader
    table = loader.load_command_table(command.split())
    loader.command_table = {command: table[command]}
    loader.command_name = command
    cli.raise_event(events.EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
    loader.load_arguments(command)
    cli.raise_event(events.EVENT_INVOKER_POST_LOAD_ARGUMENTS, commands_loader=loader)
    cli.raise_event(created, commands_loader=loader)
    parser = cli.invocation.parser
    parser.cli_ctx = cli
    parser.load_command_table(loader)
    for word in command.split():
        (groups,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = groups.choices[word]
    return [option(action) for action in parser._actions if is_offered(action)]


def is_offered(action: argparse.Action) -> bool:
    """Not what azure-cli keeps for itself."""
    return action.dest not in ("cmd", "help") and not action.option_strings[0].startswith("--__")


def option(action: argparse.Action) -> dict[str, Any]:
    found: dict[str, Any] = {"flags": list(action.option_strings)}
    if action.required:
        found["required"] = True
    if action.nargs is not None:
        found["nargs"] = action.nargs
    if isinstance(action, argparse._AppendAction):
        found["appends"] = True
    if action.choices:
        found["choices"] = sorted(action.choices)
    return found


def main() -> None:
    version = importlib.import_module("azure.cli.core").__version__
    definitions = {"azure-cli": version, "commands": {command: options(command) for command in COMMANDS}}
    TARGET.write_text(one_option_a_line(definitions), encoding="utf-8")


def one_option_a_line(definitions: dict[str, Any]) -> str:
    commands = (
        f"  {json.dumps(command)}: [\n   " + ",\n   ".join(json.dumps(each) for each in found) + "\n  ]"
        for command, found in definitions["commands"].items()
    )
    head = json.dumps(definitions["azure-cli"])
    return f'{{\n "azure-cli": {head},\n "commands": {{\n' + ",\n".join(commands) + "\n }\n}\n"


if __name__ == "__main__":
    main()
