"""Which app a command speaks to, and what it says when there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import respx

from cli.steps import StepFailedError
from cli.target import Choice, Target, find_target, parse_env

NOBODY: dict[str, str] = {}
OUTPUTS = {
    "AZURE_SUBSCRIPTION_ID": "sub",
    "AZURE_RESOURCE_GROUP": "rg-letters",
    "FUNCTION_APP_NAME": "func-letters",
    "FUNCTION_APP_URL": "https://func-letters.azurewebsites.net",
    "DATA_STORAGE_NAME": "stletters",
    "DOCUMENTS_CONTAINER": "inbox",
    "TRAINING_CONTAINER": "labelled",
}


def key_of(values: Mapping[str, str]) -> str:
    return f"key of {values['FUNCTION_APP_NAME']}"


def make_environment(root: Path, name: str, **changes: str) -> None:
    folder = root / ".azure" / name
    folder.mkdir(parents=True)
    lines = [f'{variable}="{value}"' for variable, value in (OUTPUTS | changes).items()]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")


def find(root: Path, choice: Choice | None = None, values: Mapping[str, str] = NOBODY) -> Target:
    return find_target(choice or Choice(), values=values, root=root, running=root / "running.json", key_of=key_of)


def write_running(path: Path) -> None:
    values = {"url": "http://127.0.0.1:7071", "function_key": "f", "master_key": "m", "storage": "UseIt=true"}
    path.write_text(json.dumps(values | {"TRAINING_CONTAINER": "training"}), encoding="utf-8")


def test_the_default_environment_of_azd_is_found_by_itself(tmp_path: Path) -> None:
    make_environment(tmp_path, "letters")
    (tmp_path / ".azure" / "config.json").write_text('{"version": 1, "defaultEnvironment": "letters"}')
    target = find(tmp_path)
    assert target == Target(
        name="azd environment letters",
        url="https://func-letters.azurewebsites.net",
        key="key of func-letters",
        storage="https://stletters.blob.core.windows.net",
        documents="inbox",
        training="labelled",
        clean_up=target.clean_up,
    )
    assert target.clean_up[0].startswith("azd down --purge --environment letters")


def test_another_environment_is_chosen_by_name_or_by_azds_own_variable(tmp_path: Path) -> None:
    make_environment(tmp_path, "letters")
    make_environment(tmp_path, "other", FUNCTION_APP_NAME="func-other")
    (tmp_path / ".azure" / "config.json").write_text('{"version": 1, "defaultEnvironment": "letters"}')
    assert find(tmp_path, Choice(environment="other")).key == "key of func-other"
    assert find(tmp_path, values={"AZURE_ENV_NAME": "other"}).key == "key of func-other"


@respx.mock
def test_what_runs_on_this_machine_comes_before_an_environment_that_was_not_named(tmp_path: Path) -> None:
    make_environment(tmp_path, "letters")
    write_running(tmp_path / "running.json")
    respx.get("http://127.0.0.1:7071").respond(200)
    target = find(tmp_path, values={"AZURE_ENV_NAME": "letters"})
    assert (target.name, target.key, target.storage) == ("the app on this machine", "m", "UseIt=true")
    assert find(tmp_path, Choice(environment="letters")).name == "azd environment letters"


@respx.mock
def test_what_a_killed_run_has_left_is_not_taken_for_running(tmp_path: Path) -> None:
    write_running(tmp_path / "running.json")
    respx.get("http://127.0.0.1:7071").mock(side_effect=httpx.ConnectError("refused"))
    make_environment(tmp_path, "letters")
    assert find(tmp_path, values={"AZURE_ENV_NAME": "letters"}).name == "azd environment letters"


def test_an_app_hosted_elsewhere_is_named_and_its_secrets_are_never_shown(tmp_path: Path) -> None:
    values = {"PIGEONHOLE_KEY": "the-key", "PIGEONHOLE_STORAGE": "AccountKey=the-secret", "FAILURES_CONTAINER": "bad"}
    target = find(tmp_path, Choice(url="https://letters.example/"), values)
    assert (target.url, target.key, target.failures) == ("https://letters.example", "the-key", "bad")
    assert "the-key" not in repr(target)
    assert "the-secret" not in repr(target)


WRONG: dict[str, tuple[Choice, dict[str, str], str, str]] = {
    "nothing anywhere": (Choice(), {}, "no app to speak to", "azd up"),
    "an unknown environment": (Choice(environment="gone"), {}, "no azd environment 'gone'", "azd env list"),
    "nothing deployed": (Choice(environment="empty"), {}, "has no FUNCTION_APP_URL", "azd up"),
    "another run that has ended": (Choice(running=Path("/nowhere.json")), {}, "nothing runs", "make up"),
    "an address alone": (Choice(url="https://x"), {}, "PIGEONHOLE_KEY and PIGEONHOLE_STORAGE", "master key"),
    "an address and a key": (Choice(url="https://x"), {"PIGEONHOLE_KEY": "k"}, "needs PIGEONHOLE_STORAGE", "blob"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_target_that_is_not_there_says_what_to_do(tmp_path: Path, case: str) -> None:
    choice, values, what, do = WRONG[case]
    make_environment(tmp_path, "empty", FUNCTION_APP_URL="")
    with pytest.raises(StepFailedError, match=what) as caught:
        find(tmp_path, choice, values)
    assert do in caught.value.do


def test_the_lines_of_an_environment_are_read_as_azd_writes_them() -> None:
    text = '# comment\nA="b c"\nEMPTY=""\nNUMBER=5\nQUOTED="say \\"x\\" \\$HOME"\n\nnothing\n'
    assert parse_env(text) == {"A": "b c", "EMPTY": "", "NUMBER": "5", "QUOTED": 'say "x" $HOME'}
