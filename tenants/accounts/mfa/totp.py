"""Codes of six digits that follow the clock (RFC 6238): pure, no database."""

import base64
import hmac
import re
import secrets
from io import BytesIO
from typing import Final
from urllib.parse import quote, urlencode

import qrcode  # type: ignore[import-untyped]
from django.utils.safestring import SafeString, mark_safe
from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

PERIOD_SECONDS: Final = 30
DIGITS: Final = 6
# A clock may be one step off, and typing takes its time.
TOLERANCE: Final = 1
_SECRET_BYTES: Final = 20
_CODE = re.compile(rf"^[0-9]{{{DIGITS}}}$")


def new_secret() -> str:
    """Return a new secret of 160 bits in base32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, counter: int) -> str:
    """Return the code of one time step."""
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    value = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{value % 10**DIGITS:0{DIGITS}}"


def counter_at(seconds: float) -> int:
    """Return the number of the time step a moment (seconds since 1970) is in."""
    return int(seconds) // PERIOD_SECONDS


def matching_counter(secret: str, code: str, *, now: float, after: int) -> int | None:
    """Return the time step whose code was given, None when there is none that is near and not spent.

    ``after`` is the last step that was accepted: its code and all older ones are worth nothing any more. All steps
    are compared whatever the first ones give, so the time taken tells nothing.
    """
    typed = "".join(code.split())
    if not _CODE.match(typed):
        return None
    middle = counter_at(now)
    found = None
    for counter in range(middle - TOLERANCE, middle + TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, counter), typed) and counter > after:
            found = counter
    return found


def address_for_app(secret: str, *, account: str, issuer: str) -> str:
    """Return the `otpauth:` address an app reads from the picture."""
    label = quote(f"{issuer}:{account}", safe=":")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def picture_of(address: str) -> SafeString:
    """Return an address as a QR code, drawn as SVG."""
    image = qrcode.make(address, image_factory=SvgPathImage, border=2)
    target = BytesIO()
    image.save(target)
    # Drawn by us from numbers: nothing of the address stands in it as text.
    return mark_safe(target.getvalue().decode().partition("?>")[2].strip())  # noqa: S308
