"""The exception tree is the one its docstring draws, and holds every error the app raises on purpose."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

import functions
import shared
from shared import errors
from shared.errors import LanguageAccessError, LanguageRefusedError, PigeonholeError, RetryableError

BRANCH = re.compile(r"^(?P<lead>[\u2502\u251c\u2514\u2500 ]*)(?P<name>[A-Z]\w+Error)(?P<rest>.*)")
TREE = [found for line in (errors.__doc__ or "").splitlines() if (found := BRANCH.match(line)) is not None]


def drawn_tree() -> dict[str, str | None]:
    """Each error's name with its parent's, by indentation."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for found in TREE:
        depth = len(found["lead"])
        while path and path[-1][0] >= depth:
            path.pop()
        parents[found["name"]] = path[-1][1] if path else None
        path.append((depth, found["name"]))
    return parents


def descendants(base: type[Exception]) -> Iterator[type[Exception]]:
    for each in base.__subclasses__():
        yield each
        yield from descendants(each)


def import_everything() -> None:
    for package in (shared, functions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def every_error() -> list[type[Exception]]:
    """Those of the whole product; classes that tests make are left out."""
    import_everything()
    found: list[type[Exception]] = [PigeonholeError, *descendants(PigeonholeError)]
    return [each for each in found if each.__module__.split(".")[0] in ("shared", "functions")]


def test_the_docstring_draws_the_real_tree() -> None:
    real = {each.__name__: None if each is PigeonholeError else each.__bases__[0].__name__ for each in every_error()}
    assert drawn_tree() == real


def test_no_error_is_defined_outside_the_module_that_draws_them() -> None:
    elsewhere = {each.__name__: each.__module__ for each in every_error() if each.__module__ != errors.__name__}
    assert not elsewhere, f"whoever reads shared/errors.py must see every error: {elsewhere}"


def test_no_error_has_two_parents() -> None:
    """A caller that catches one branch must not catch half of another."""
    assert [each.__name__ for each in every_error() if len(each.__bases__) != 1] == []


def test_every_error_says_when_it_is_raised_in_the_tree_and_at_its_class() -> None:
    undescribed = [found["name"] for found in TREE[1:] if not found["rest"].strip()]
    assert undescribed == []
    assert [each.__name__ for each in every_error() if not each.__dict__.get("__doc__")] == []


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
