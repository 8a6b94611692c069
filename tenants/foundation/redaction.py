"""Masks secrets in anything about to be written down, by the name of the key and the look of the value."""

import logging
import re
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from tenants.foundation.crypto.secret import MASK, Secret

_SECRET_KEY_ENDINGS: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "cookies",
    "sessionid",
    "sessionkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "credentials",
    "credential",
    "pepper",
    "samlresponse",
    "samlrequest",
    "csrfmiddlewaretoken",
    "recoverycodes",
    "otp",
)

# Each pattern keeps what comes before the secret (group `keep`) where that helps a reader.
_VALUE_PATTERNS: Final = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
            r"\bntn_[A-Za-z0-9_-]{6,}",
            r"\bsecret_[A-Za-z0-9_-]{16,}",
            r"\bnts_[a-z]+_[A-Za-z0-9]{12}_[A-Za-z0-9_]{8,}",
            r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{6,}",
            r"\bxapp-[A-Za-z0-9-]{6,}",
            r"\bgh[oprsu]_[A-Za-z0-9]{16,}",
            r"\bgithub_pat_[A-Za-z0-9_]{16,}",
            r"\bglpat-[A-Za-z0-9_-]{10,}",
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
            r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
        )
    )
)
_HEADER_PATTERN: Final = re.compile(
    r"(?P<keep>\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:[a-z]+\s+)?|\b(?:bearer|basic)\s+"
    r"|\bx-session-token['\"]?\s*[:=]\s*['\"]?)(?P<secret>[A-Za-z0-9._~+/=-]{6,})",
    re.IGNORECASE,
)
_COOKIE_PATTERN: Final = re.compile(
    r"(?P<keep>\b(?:set-)?cookie['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+", re.IGNORECASE
)
_PAIR_PATTERN: Final = re.compile(
    r"(?P<keep>(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-])*(?:password|passwd|secret|token|api_?key|sessionid|csrftoken"
    r"|SAMLResponse|signature)['\"]?\s*[=:]\s*['\"]?)(?P<secret>[^\s&'\",;}{)(]{4,})",
    re.IGNORECASE,
)
_OAUTH_QUERY_PATTERN: Final = re.compile(r"(?P<keep>[?&](?:code|state|key)=)[^&\s'\"]+", re.IGNORECASE)
_USERINFO_PATTERN: Final = re.compile(
    r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)", re.IGNORECASE
)

_PLAIN_TYPES: Final = (bool, int, float, type(None), UUID, datetime, date, time, timedelta, Decimal)
_MAX_DEPTH: Final = 8


def is_secret_key(key: object) -> bool:
    """Say whether a key's name promises a secret: it ends in such a word, in any spelling of the parts."""
    if not isinstance(key, str):
        return False
    flat = key.lower().replace("_", "").replace("-", "").replace(" ", "").replace(".", "")
    return flat.endswith(_SECRET_KEY_ENDINGS)


def redact_text(text: str) -> str:
    """Mask what looks like a secret inside a text and leave the rest."""
    masked = _VALUE_PATTERNS.sub(MASK, text)
    masked = _COOKIE_PATTERN.sub(rf"\g<keep>{MASK}", masked)
    masked = _HEADER_PATTERN.sub(rf"\g<keep>{MASK}", masked)
    masked = _PAIR_PATTERN.sub(rf"\g<keep>{MASK}", masked)
    if "://" in masked:
        masked = _USERINFO_PATTERN.sub(rf"\g<keep>{MASK}", masked)
    if "=" in masked:
        masked = _OAUTH_QUERY_PATTERN.sub(rf"\g<keep>{MASK}", masked)
    return masked


def redact(value: Any) -> Any:
    """Return a copy of a value in which secrets are masked, whatever they are nested in.

    Mappings, sequences and sets keep their kind (unknown kinds become dict and list); objects of other types
    become the masked text of their `repr`. Deeper than eight levels nothing is shown.
    """
    return _redact(value, 0)


def _redact(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact_text(value) if not isinstance(value, Enum) else value
    if isinstance(value, (Enum, *_PLAIN_TYPES)):
        return value
    if isinstance(value, Secret) or depth >= _MAX_DEPTH:
        return MASK
    if isinstance(value, Mapping):
        return {
            key: MASK if is_secret_key(key) and _hides_something(item) else _redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, tuple):
        return tuple(_redact(item, depth + 1) for item in value)
    if isinstance(value, list):
        return [_redact(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return type(value)(_redact(item, depth + 1) for item in value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    return redact_text(repr(value))


def _hides_something(value: Any) -> bool:
    return value is not None and not isinstance(value, bool) and value not in ("", b"")


def processor(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask a structlog event; it has to come after exceptions were rendered and before the renderer."""
    return {
        key: MASK
        if is_secret_key(key) and _hides_something(item)
        else item
        if key.startswith("_")
        else _redact(item, 0)
        for key, item in event.items()
    }


class RedactingFilter(logging.Filter):
    """Masks the records of the standard library's logging, with their arguments and tracebacks."""

    _renderer = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place and let it pass."""
        if isinstance(record.msg, str):
            record.msg = redact_text(record.getMessage())
            record.args = ()
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            record.exc_text = redact_text(self._renderer.formatException(record.exc_info))
        elif record.exc_text:
            record.exc_text = redact_text(record.exc_text)
        return True
