from __future__ import annotations

import stat
from pathlib import Path

import pytest

from functions_host.web.keys import Access, HostKeys, load_keys

KEYS = HostKeys(master="m", function="f", blobs_extension="b", of_functions={"one": "own", "two": "other"})


@pytest.mark.parametrize(
    ("level", "key", "opens"),
    [
        ("anonymous", None, True),
        ("anonymous", "wrong", True),
        ("function", None, False),
        ("function", "wrong", False),
        ("function", "f", True),
        ("function", "own", True),
        ("function", "other", False),
        ("function", "b", False),
        ("function", "m", True),
        ("FUNCTION", "f", True),
        ("admin", "f", False),
        ("admin", "own", False),
        ("admin", "b", False),
        ("admin", "m", True),
    ],
)
def test_each_key_opens_what_it_should(level: str, key: str | None, opens: bool) -> None:
    assert KEYS.opens_function(key, "one", level) is opens


def test_a_system_key_opens_webhooks() -> None:
    assert KEYS.access("b") is Access.SYSTEM
    assert KEYS.access("f") < Access.SYSTEM


def test_generated_keys_are_kept_private_and_the_same_for_the_next_run(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, ["one"], {})
    assert load_keys(tmp_path, ["one"], {}) == keys
    assert len({keys.master, keys.function, keys.blobs_extension, keys.of_functions["one"]}) == 4
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_keys_can_be_given(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, [], {"FUNCTIONS_HOST_MASTER_KEY": "mine", "FUNCTIONS_HOST_BLOBS_KEY": "hook"})
    assert (keys.master, keys.blobs_extension) == ("mine", "hook")
