"""The form of an API token: `nts_<environment>_<id>_<secret>_<checksum>`."""

import re
import zlib
from dataclasses import dataclass
from typing import Final

from tenants.foundation.crypto import Secret

PREFIX: Final = "nts"
# Published (docs/access.md) so that secret scanners find leaked tokens.
TOKEN_PATTERN: Final = re.compile(
    rf"^{PREFIX}_(?P<environment>[a-z]{{2,8}})_(?P<id>[0-9A-Za-z]{{12}})_(?P<secret>[0-9A-Za-z]{{43}})_(?P<crc>[0-9a-f]{{8}})$"
)


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """The parts of a token that was written correctly."""

    public_id: str
    secret: Secret
    environment: str


def write_token(public_id: str, secret: str, environment: str = "live") -> Secret:
    """Put a token together; the checksum tells a typing error from an unknown token without a query."""
    body = f"{PREFIX}_{environment}_{public_id}_{secret}"
    return Secret(f"{body}_{zlib.crc32(body.encode()):08x}")


def read_token(text: str) -> ParsedToken | None:
    """Take a token apart; None when it is not of our form or its checksum is wrong."""
    match = TOKEN_PATTERN.match(text)
    if match is None:
        return None
    body, _, checksum = text.rpartition("_")
    if f"{zlib.crc32(body.encode()):08x}" != checksum:
        return None
    return ParsedToken(match["id"], Secret(match["secret"]), match["environment"])
