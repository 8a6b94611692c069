"""Taking SAML messages off the wire: never more than fits, never a document type."""

import base64
import binascii
import re
import zlib
from typing import Final

from tenants.accounts.sso.reasons import Reason, SsoRefused

MOST_BYTES: Final = 256 * 1024
_BASE64: Final = re.compile(r"^[A-Za-z0-9+/\s]+={0,2}\s*$")
# UTF-16 and the like would hide a declaration from the look below; SAML is UTF-8 in practice.
_STARTS: Final = (b"<", b"\xef\xbb\xbf<")


def decoded_post(text: str) -> bytes:
    """Return the XML of the POST binding. Raises: SsoRefused (too large, malformed, with a document type)."""
    if len(text) > MOST_BYTES * 4 // 3 + 1024:
        raise SsoRefused(Reason.TOO_LARGE)
    return checked_xml(_from_base64(text))


def decoded_redirect(text: str) -> bytes:
    """Return the XML of the Redirect binding, unpacked to at most 256 KB. Raises: SsoRefused likewise."""
    if len(text) > MOST_BYTES:
        raise SsoRefused(Reason.TOO_LARGE)
    unpacker = zlib.decompressobj(wbits=-15)
    try:
        xml = unpacker.decompress(_from_base64(text), MOST_BYTES + 1)
    except zlib.error as error:
        raise SsoRefused(Reason.MALFORMED, "The message is not compressed as the binding asks.") from error
    if len(xml) > MOST_BYTES or unpacker.unconsumed_tail:
        raise SsoRefused(Reason.TOO_LARGE, "The message unpacks to more than is accepted.")
    return checked_xml(xml)


def checked_xml(xml: bytes) -> bytes:
    """Return the bytes unless they are too many or bring declarations along. Raises: SsoRefused."""
    if len(xml) > MOST_BYTES:
        raise SsoRefused(Reason.TOO_LARGE)
    lowered = xml.lower()
    if b"<!doctype" in lowered or b"<!entity" in lowered:
        raise SsoRefused(Reason.DTD)
    if not xml.lstrip().startswith(_STARTS) or b"\0" in xml:
        raise SsoRefused(Reason.MALFORMED)
    return xml


def _from_base64(text: str) -> bytes:
    if not text or not _BASE64.match(text):
        raise SsoRefused(Reason.MALFORMED, "The message is not base64.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SsoRefused(Reason.MALFORMED, "The message is not base64.") from error
