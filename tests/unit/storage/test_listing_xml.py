"""Answers to List Blobs that no Azurite gives: encoded names, markers as Azure writes them, and what is no answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.storage.listing_xml import parse_time, read_page

AZURE = """\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://a.blob.core.windows.net/" ContainerName="documents"><MaxResults>2</MaxResults><Blobs><Blob><Name Encoded="true">a%EF%BF%BE%20b%25.txt</Name><Properties><Creation-Time>Fri, 27 Nov 2026 15:19:20 GMT</Creation-Time><Last-Modified>Tue, 01 Sep 2026 05:09:02 GMT</Last-Modified><Etag>0x8DC1</Etag><ResourceType>file</ResourceType><Content-Length>1234</Content-Length><Content-Encoding /><CopyId>x</CopyId></Properties><OrMetadata /></Blob><Blob><Name>100%25 &amp; &lt;more&gt;.txt</Name><Properties><Last-Modified>Tue, 01 Sep 2026 05:09:02 GMT</Last-Modified><Etag>"0x8DC2"</Etag><Content-Length>0</Content-Length></Properties><Metadata><Model>Briefe%20M%C3%A4rz</Model><job /></Metadata></Blob></Blobs><NextMarker>2!92!MDAwMDA&amp;==</NextMarker></EnumerationResults>"""  # noqa: E501 - as it comes


def test_the_facts_of_each_blob_and_the_marker_of_the_next_page_are_read() -> None:
    page = read_page(AZURE.encode())
    encoded, plain = page.infos
    assert encoded.name == "a\ufffe b%.txt", "a name that XML cannot hold is percent-encoded, and says so"
    assert plain.name == "100%25 & <more>.txt", "and another one is what it is"
    assert (encoded.etag, plain.etag) == ('"0x8DC1"', '"0x8DC2"')
    assert (encoded.size, plain.size) == (1234, 0)
    assert encoded.last_modified == datetime(2026, 9, 1, 5, 9, 2, tzinfo=UTC)
    assert (dict(encoded.metadata), dict(plain.metadata)) == ({}, {"model": "Briefe%20M%C3%A4rz", "job": ""})
    assert page.token == "2!92!MDAwMDA&=="


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "<html><body>proxy</body></html>",
        AZURE[: len(AZURE) // 2],
        AZURE.replace("<Name>", "<Title>").replace("</Name>", "</Title>").replace('<Name Encoded="true">', "<Title>"),
        AZURE.replace("Tue, 01 Sep", "2026-09-01"),
        "<Error><Code>InvalidInput</Code></Error>",
    ],
    ids=["nothing", "a page of a proxy", "cut", "no name", "another time", "an error"],
)
def test_what_is_no_answer_to_list_blobs_is_not_taken_for_an_empty_container(answer: str) -> None:
    with pytest.raises(ValueError, match=r"List Blobs|listed blob"):
        read_page(answer.encode())


def test_times_are_those_of_rfc_1123() -> None:
    for month in range(1, 13):
        when = datetime(2026, month, 28, 23, 59, 58, tzinfo=UTC)
        assert parse_time(when.strftime("%a, %d %b %Y %H:%M:%S GMT")) == when
    with pytest.raises(ValueError, match="RFC 1123"):
        parse_time("Fri, 27 Nov 2026 15:19:20 CET")
