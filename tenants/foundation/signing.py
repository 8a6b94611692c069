"""Signed documents: canonical JSON (RFC 8785, without fractions) and Ed25519; it knows no tables."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tenants.foundation.errors import DomainError, InvalidInput

ALGORITHM: Final = "Ed25519"
# Beyond this, readers that keep every number as a double see another number than the one that was signed.
GREATEST_NUMBER: Final = 2**53 - 1


class SignatureInvalid(DomainError):
    """A document is not what was signed, or not signed by whom it says."""

    default_code = "signature_invalid"
    default_message = "The signature does not fit this document."


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document, the base64 of its 64-byte Ed25519 signature, and the id of the key that made it.

    What is signed are the document's canonical bytes, so it may be stored, indented and sorted at will.
    """

    document: Mapping[str, Any]
    signature: str
    key_id: str

    def as_json(self) -> dict[str, Any]:
        """The form in which it is handed out."""
        return {
            "document": self.document,
            "signature": {"algorithm": ALGORITHM, "key_id": self.key_id, "value": self.signature},
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what :meth:`as_json` gave. Raises: InvalidInput."""
        if isinstance(value, dict) and isinstance(value.get("document"), dict):
            signature = value.get("signature")
            if isinstance(signature, dict) and signature.get("algorithm") == ALGORITHM:
                key_id, text = signature.get("key_id"), signature.get("value")
                if isinstance(key_id, str) and isinstance(text, str):
                    return cls(value["document"], text, key_id)
        raise InvalidInput("This is not a signed document.", code="invalid_input.not_signed")


def canonical_json(value: object) -> bytes:
    """The one spelling of a JSON value: sorted keys, no blanks, UTF-8.

    Raises: InvalidInput for what has no single spelling: fractions, huge numbers, lone surrogates, unknown types.
    """
    try:
        return _spelled(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("A signed document holds text that is not Unicode.") from error


def _spelled(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, int) and abs(value) <= GREATEST_NUMBER:
        return str(int(value))
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise InvalidInput("The names in a signed document are text.")
        # The standard sorts by UTF-16 units, which differs from code points beyond the first 65,536 characters.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_spelled(name)}:{_spelled(value[name])}" for name in names) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(_spelled(part) for part in value) + "]"
    raise InvalidInput(
        "A signed document holds text, whole numbers, truth values, lists and mappings, and nothing else.",
        params={"type": type(value).__name__},
    )


def new_private_key() -> bytes:
    """32 random bytes that are an Ed25519 private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private: bytes) -> bytes:
    """The 32 bytes of the public key that belongs to a private one."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(document: Mapping[str, Any], *, private: bytes, key_id: str) -> SignedDocument:
    """Sign a document that says in ``kind`` what it is, so that none can pass for one of another kind.

    Raises: InvalidInput.
    """
    if not isinstance(document.get("kind"), str):
        raise InvalidInput("A signed document says what kind it is.")
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(canonical_json(document))
    return SignedDocument(document, base64.b64encode(signature).decode("ascii"), key_id)


def check(signed: SignedDocument, *, public: bytes) -> None:
    """Say nothing when ``public`` made the signature. Raises: SignatureInvalid, InvalidInput."""
    try:
        signature = base64.b64decode(signed.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, canonical_json(signed.document))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SignatureInvalid from error
