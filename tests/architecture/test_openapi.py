"""The table of endpoints, and the OpenAPI document made from it, describe the functions and nothing else."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.reports.endpoints import ENDPOINTS, Endpoint
from shared.reports.openapi import openapi
from tests.architecture.source import ROOT
from tests.architecture.test_http_docs import WITHOUT_A_KEY, documented_functions, documented_keys

EXAMPLES = (ROOT / "test.http").read_text(encoding="utf-8")


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(openapi()).validate()


def test_every_function_of_the_page_is_an_endpoint_with_its_method_address_and_key() -> None:
    described = {each.function: (each.method, each.path.removeprefix("/api/")) for each in ENDPOINTS}
    assert described == {name: each for name, each in documented_functions().items() if name not in WITHOUT_A_KEY}
    keys = {each.function: "master" if each.master else "function" for each in ENDPOINTS}
    assert keys == {name: key for name, key in documented_keys().items() if name not in WITHOUT_A_KEY}


def test_no_schema_is_without_a_use() -> None:
    document = openapi()
    schemas = set(document["components"]["schemas"])
    used = set(re.findall(r"#/components/schemas/([\w.-]+)", repr(document)))
    assert used == schemas


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.function)
def test_every_function_has_one_request_in_test_http(endpoint: Endpoint) -> None:
    address = re.sub(r"\\\{\w+\\\}", r"[^/?\\s]+", re.escape(endpoint.path))
    found = re.findall(rf"^{endpoint.method} \{{\{{url\}}\}}{address}(?=[?\s]|$)", EXAMPLES, re.MULTILINE)
    assert len(found) == 1, found
