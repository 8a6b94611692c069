"""Reading JSON bodies: bounded, strict, and without characters the database cannot hold."""

import json
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tenants.foundation.api.problems import BodyTooLarge

_MAX_DEPTH: Final = 64


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, no NaN, no key twice; and no NUL, half surrogate or excess size."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body. Raises: BodyTooLarge, ParseError."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2 * 1024 * 1024
        request = (parser_context or {}).get("request")
        announced = str(request.META.get("CONTENT_LENGTH") or "") if request is not None else ""
        if announced.isdigit() and int(announced) > limit:
            raise BodyTooLarge
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        try:
            value = json.loads(
                body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
            )
        except UnicodeDecodeError as error:
            msg = "The body is not UTF-8."
            raise ParseError(msg) from error
        except json.JSONDecodeError as error:
            msg = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            raise ParseError(msg) from error
        except (ValueError, RecursionError) as error:
            msg = "The body holds a number or a nesting that is too large."
            raise ParseError(msg) from error
        _check(value, 0)
        return value


def _refuse_constant(name: str) -> NoReturn:
    msg = f"The body is not JSON: {name} is not a JSON value."
    raise ParseError(msg)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "The body gives the same key twice."
        raise ParseError(msg)
    return found


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        msg = f"The body is nested more than {_MAX_DEPTH} levels deep."
        raise ParseError(msg)
    if isinstance(value, str):
        if "\0" in value:
            msg = "The body holds a NUL character."
            raise ParseError(msg)
        if any("\ud800" <= character <= "\udfff" for character in value):
            msg = "The body holds half of a surrogate pair."
            raise ParseError(msg)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
