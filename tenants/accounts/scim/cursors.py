"""Cursors of RFC 9865: where the next page begins, signed, for one directory and one question."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core import signing
from scim2_models import ExpiredCursorException, InvalidCountException, InvalidCursorException

from tenants.accounts.scim.schemas import CURSOR_SECONDS

_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """What a page is a part of: another filter, order or number of results is another question."""

    tenant_id: UUID
    directory_id: UUID
    kind: str
    filter: str
    order: str
    count: int

    @property
    def digest(self) -> str:
        """Its mark in a cursor."""
        parts = "\0".join((self.kind, self.filter, self.order))
        return hashlib.blake2b(parts.encode(), digest_size=9).hexdigest()


def write_cursor(question: Question, last: list[str]) -> str:
    """Return the cursor that goes on behind the row with these values."""
    return _signer(question).sign_object({"q": question.digest, "n": question.count, "l": last})


def read_cursor(question: Question, text: str) -> list[str]:
    """Return the values of the row behind which the page begins.

    Raises: InvalidCursorException (tampered with, of another question or directory), ExpiredCursorException,
    InvalidCountException (another number of results than the first page had).
    """
    if len(text) > _LONGEST:
        raise InvalidCursorException
    try:
        kept: Any = _signer(question).unsign_object(text, max_age=CURSOR_SECONDS)
    except signing.SignatureExpired as error:
        raise ExpiredCursorException from error
    except Exception as error:
        # Whatever a stranger's text may do to base64 and JSON before the signature is found to be wrong.
        raise InvalidCursorException from error
    if kept["q"] != question.digest:
        raise InvalidCursorException
    if kept["n"] != question.count:
        raise InvalidCountException
    return list(kept["l"])


def _signer(question: Question) -> signing.TimestampSigner:
    salt = f"scim-cursor:{question.tenant_id}:{question.directory_id}"
    # All of its characters may stand in an address as they are.
    return signing.TimestampSigner(salt=salt, sep="~")
