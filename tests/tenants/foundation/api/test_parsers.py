"""Strict JSON: what is accepted is what the database can hold."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from tenants.foundation.api import BodyTooLarge, StrictJSONParser


def parse(body: bytes, length: str = "") -> Any:
    request = SimpleNamespace(META={"CONTENT_LENGTH": length})
    return StrictJSONParser().parse(io.BytesIO(body), parser_context={"request": request})


def test_ordinary_json_is_parsed() -> None:
    assert parse('{"a": [1, 2.5, "ü 🎉", null, true]}'.encode()) == {"a": [1, 2.5, "ü 🎉", None, True]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b"\xff\xfe",
        b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}',
        b'{"a": ["\\ud800"]}',
        b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1} trailing',
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        parse(body)


def test_a_body_announced_or_found_too_long_is_refused(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert parse(b'"' + b"x" * 98 + b'"') == "x" * 98
    with pytest.raises(BodyTooLarge):
        parse(b"{}", length="101")
    with pytest.raises(BodyTooLarge):
        parse(b'"' + b"x" * 99 + b'"')
