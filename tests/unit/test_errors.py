"""The exception tree is the one its docstring draws."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from shared import errors
from shared.errors import LanguageAccessError, LanguageRefusedError, PigeonholeError, RetryableError

BRANCH = re.compile(r"^(?P<lead>[\u2502\u251c\u2514\u2500 ]*)(?P<name>[A-Z]\w+)")


def drawn_tree() -> dict[str, str | None]:
    """Each error's name with its parent's, by indentation."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = BRANCH.match(line)
        if found is None or not found["name"].endswith("Error"):
            continue
        depth = len(found["lead"])
        while path and path[-1][0] >= depth:
            path.pop()
        parents[found["name"]] = path[-1][1] if path else None
        path.append((depth, found["name"]))
    return parents


def real_tree() -> dict[str, str | None]:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and each.__module__ == errors.__name__]
    return {each.__name__: None if each is PigeonholeError else each.__bases__[0].__name__ for each in classes}


def test_the_docstring_draws_the_real_tree() -> None:
    assert drawn_tree() == real_tree()


def test_every_error_has_one_line_that_says_when_it_is_raised() -> None:
    assert [name for name in real_tree() if not getattr(errors, name).__doc__] == []


def test_a_retryable_error_carries_what_the_service_told() -> None:
    assert RetryableError("later", retry_after=timedelta(seconds=5)).retry_after == timedelta(seconds=5)
    assert RetryableError("later").retry_after is None


@pytest.mark.parametrize(
    "error",
    [
        LanguageAccessError("no", status_code=401, retry_after=timedelta(seconds=60)),
        LanguageRefusedError("no", status_code=400, error_code="InvalidRequest"),
    ],
    ids=["access", "refused"],
)
def test_an_error_of_the_service_carries_its_status(error: LanguageAccessError | LanguageRefusedError) -> None:
    assert error.status_code in (400, 401)
    assert str(error) == "no"
