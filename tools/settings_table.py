"""`python -m tools.settings_table` prints the README table of settings from shared/config.py; a test compares them."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticUndefined

from shared.config import Settings

# How the Functions host spells the parts of a connection; everything else is upper case.
_SPELLED = {
    "data_storage__blobserviceuri": "DATA_STORAGE__blobServiceUri",
    "data_storage__queueserviceuri": "DATA_STORAGE__queueServiceUri",
    "data_storage__clientid": "DATA_STORAGE__clientId",
}
HEAD = "| Setting | Default | Meaning |\n|---|---|---|"


def settings_table() -> str:
    rows = [_row(name, field.default, field.description or "") for name, field in Settings.model_fields.items()]
    return "\n".join([HEAD, *rows])


def _row(name: str, default: Any, description: str) -> str:
    spelled = _SPELLED.get(name, name.upper())
    return f"| `{spelled}` | {_default(default)} | {description.removesuffix(f' ({spelled})')} |"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "**required**"
    if value is None:
        return "unset"
    if isinstance(value, tuple):
        return f"`{','.join(f'{each:g}' for each in value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    print(settings_table())
