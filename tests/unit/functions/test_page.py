"""The page's files: found by name and by nothing else, compressed, cached as long as their address says, and safe."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import azure.functions as func
import pytest

from functions import page
from shared.web_files import WebFiles
from tests.services_on_fakes import PipelineOnFakes
from tests.unit.functions.harness import App

FILES = WebFiles(page.FOLDER)


@pytest.fixture
def app(world: PipelineOnFakes) -> App:
    return App(world)


def get(app: App, path: str = "", **headers: str) -> func.HttpResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = func.HttpRequest(
        method="GET", url="http://app/api/ui", headers=given, route_params={"path": path}, body=b""
    )
    response: func.HttpResponse = app.call("get_page", request)
    return response


def test_the_page_needs_no_key_and_everything_it_asks_does(app: App) -> None:
    assert app.trigger_of("get_page")["authLevel"] is func.AuthLevel.ANONYMOUS


@pytest.mark.parametrize("path", ["", "/", "index.html"])
def test_the_page_is_there_with_addresses_of_this_build(app: App, path: str) -> None:
    response = get(app, path)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    addresses = re.findall(r'(?:href|src)="([^"]+)"', response.get_body().decode())
    assert len(addresses) > 5
    for address in addresses:
        found = get(app, address.removeprefix("/api/ui/"))
        assert found.status_code == 200, address
        assert "immutable" in found.headers["Cache-Control"], address


def test_every_answer_allows_nothing_but_the_app_itself(app: App) -> None:
    for path in ("", "app.js", f"{FILES.build}/style.css"):
        headers = get(app, path).headers
        policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_file_is_compressed_for_who_takes_it_and_whole_for_who_does_not(app: App) -> None:
    compressed = get(app, "app.js", accept_encoding="br, gzip")
    assert compressed.headers["Content-Encoding"] == "gzip"
    whole = (page.FOLDER / "app.js").read_bytes()
    assert gzip.decompress(compressed.get_body()) == whole
    for refusal in ("", "br", "gzip;q=0", "gzip; q=0.0, br"):
        plain = get(app, "app.js", accept_encoding=refusal)
        assert "Content-Encoding" not in plain.headers
        assert plain.get_body() == whole


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}'])
def test_what_a_browser_has_is_not_sent_again(app: App, form: str) -> None:
    etag = get(app, "").headers["ETag"]
    response = get(app, "", if_none_match=form.format(etag))
    assert (response.status_code, response.get_body()) == (304, b"")
    assert response.headers["ETag"] == etag
    assert get(app, "", if_none_match='"another"').status_code == 200


def test_the_address_of_an_earlier_build_gives_the_file_of_now_and_is_not_kept(app: App) -> None:
    response = get(app, "0123456789abcdef/views/review.js")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "../functions/page.py",
        "x/../../function_app.py",
        "%2e%2e/function_app.py",
        "/etc/passwd",
        "vendor",
        "views/",
        "vendor.lock.json",
        "none.js",
        "a/b/app.js",
        "\u202etxt",
    ],
)
def test_nothing_else_is_served(app: App, path: str) -> None:
    response = get(app, path)
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


def test_a_change_of_any_file_changes_the_addresses_of_all(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("{{build}}", encoding="utf-8")
    (tmp_path / "app.js").write_text("1", encoding="utf-8")
    first = WebFiles(tmp_path)
    assert first.files["index.html"].content == first.build.encode()
    (tmp_path / "app.js").write_text("2", encoding="utf-8")
    assert WebFiles(tmp_path).build != first.build


def test_who_is_signed_in_is_what_the_platform_says(world: PipelineOnFakes) -> None:
    sent = {"X_MS_CLIENT_PRINCIPAL_NAME": "ada@example.org"}
    nobody = b'{\n "name": null\n}'
    assert get(App(world), "signed-in", **sent).get_body() == nobody, "anybody may send the header"
    app = App(PipelineOnFakes(changes={"easy_auth": True}))
    assert get(app, "signed-in").get_body() == nobody
    assert b'"ada@example.org"' in get(app, "signed-in", **sent).get_body()


# the lists that the page is made of


@pytest.fixture
def lists(world: PipelineOnFakes) -> App:
    return App(world)


def test_documents_are_listed_by_the_beginning_of_their_name_page_by_page(world: PipelineOnFakes, lists: App) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        world.upload(name, "about billing")
    world.run()
    code, first, _ = lists.request("list_documents", query={"prefix": "a/", "limit": "1"})
    assert (code, [each["name"] for each in first["documents"]]) == (200, ["a/1.txt"])
    assert first["documents"][0]["state"] == "classified"
    code, second, _ = lists.request("list_documents", query={"prefix": "a/", "limit": "1", "token": first["token"]})
    assert ([each["name"] for each in second["documents"]], second["token"]) == (["a/2.txt"], None)


def test_a_name_in_the_query_still_finds_that_one_document(world: PipelineOnFakes, lists: App) -> None:
    world.upload("a/1.txt", "about billing")
    code, body, _ = lists.request("list_documents", query={"name": "a/1.txt"})
    assert (code, body["name"]) == (200, "a/1.txt")
    assert lists.request("list_documents", query={"name": "none.txt"})[0] == 404


ODD_QUERIES = [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"prefix": "a\x01"}, {"token": "x"}]


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_a_query_that_no_list_has_is_a_bad_request(lists: App, query: dict[str, str]) -> None:
    code, body, _ = lists.request("list_documents", query=query)
    assert (code, body["title"]) == (400, "The request cannot be read")
    assert [each["place"] for each in body["problems"]] == list(query)


def test_failures_are_listed_by_reason(world: PipelineOnFakes, lists: App) -> None:
    world.upload("blank.txt", " ")
    world.run()
    code, body, _ = lists.request("list_failures", query={"reason": "empty"})
    assert (code, body["by_reason"], [each["name"] for each in body["failures"]]) == (200, {"empty": 1}, ["blank.txt"])
    code, body, _ = lists.request("list_failures", query={"reason": "unheard-of"})
    assert (code, body["problems"][0]["place"]) == (400, "reason")


def test_a_model_that_was_not_tried_has_no_trial(lists: App) -> None:
    code, body, _ = lists.request("get_trial", project="letters", model="first")
    assert (code, body["title"]) == (404, "No trial")


def test_operations_of_all_projects_are_listed(world: PipelineOnFakes) -> None:
    code, body, _ = App(world).request("list_all_operations", query={"limit": "5"})
    assert (code, body) == (200, {"operations": [], "before": None})
