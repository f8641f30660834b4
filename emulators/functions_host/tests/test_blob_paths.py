from __future__ import annotations

import pytest

from functions_host.blobs.paths import BlobPath, PathError

NO = None


@pytest.mark.parametrize(
    ("path", "container", "blob", "tokens"),
    [
        pytest.param("documents", "documents", "a/b.txt", {}, id="a container matches everything"),
        pytest.param("documents/{name}", "documents", "a.txt", {"name": "a.txt"}, id="one token"),
        pytest.param("documents/{name}.txt", "documents", "a/b.txt", {"name": "a/b"}, id="across slashes"),
        pytest.param("documents/{name}.txt", "documents", "a.txt.txt", {"name": "a.txt"}, id="greedy"),
        pytest.param("documents/{name}.txt", "documents", "a.csv", NO, id="another extension"),
        pytest.param("documents/{name}.txt", "documents", "a.TXT", NO, id="case counts in a blob's name"),
        pytest.param("Documents/{name}", "documents", "a", {"name": "a"}, id="case does not count in a container's"),
        pytest.param("documents/{name}", "other", "a", NO, id="another container"),
        pytest.param("documents/in/{name}", "documents", "in/a", {"name": "a"}, id="folder"),
        pytest.param("documents/in/{name}", "documents", "out/a", NO, id="another folder"),
        pytest.param("d/{a}-{b}.txt", "d", "x-y-z.txt", {"a": "x-y", "b": "z"}, id="the first token takes most"),
        pytest.param("d/{{{name}}}.txt", "d", "{x}.txt", {"name": "x"}, id="escaped braces"),
        pytest.param("d/fixed.txt", "d", "fixed.txt", {}, id="no token"),
        pytest.param("d/{name}.txt", "d", "line\nbreak.txt", {"name": "line\nbreak"}, id="line break"),
        pytest.param("d/a+b(1)/{name}", "d", "a+b(1)/x", {"name": "x"}, id="no regular expression"),
    ],
)
def test_patterns_match_as_the_real_host_does(
    path: str, container: str, blob: str, tokens: dict[str, str] | None
) -> None:
    assert BlobPath.parse(path).match(container, blob) == tokens


def test_the_stand_in_for_a_subscription_ignores_case() -> None:
    assert BlobPath.parse("d/{name}.txt", ignores_case=True).match("d", "A.TXT") == {"name": "A"}


@pytest.mark.parametrize("path", ["", "/", "{container}/x", "d/{a.b}", "d/{}", "d/{name", "d/name}", "d/{a}/{a}"])
def test_a_malformed_pattern_stops_the_start(path: str) -> None:
    with pytest.raises(PathError):
        BlobPath.parse(path)
