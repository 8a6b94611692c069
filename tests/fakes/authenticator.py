"""A security key in memory: makes and shows passkeys like a browser would, and lies on request."""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey on one device; ``count`` is what it says it was used, ``flags`` what it says of its holder."""

    origin: str
    rp_id: str
    count: int = 0
    flags: int = USER_PRESENT | USER_VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = b"invented credential id 0123456789"
    user_handle: bytes = b""

    def create(self, options: dict[str, Any], **lies: Any) -> str:
        """Answer to `navigator.credentials.create`, as the page sends it."""
        public = options["publicKey"]
        self.user_handle = websafe_decode(public["user"]["id"])
        cose = dict(ES256.from_cryptography_key(self.key.public_key()))  # type: ignore[no-untyped-call]
        credential = b"\0" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id
        data = self._data(self.flags | ATTESTED) + credential + cbor.encode(cose)
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._sent(
            {
                "clientDataJSON": self._client("webauthn.create", public["challenge"], **lies),
                "attestationObject": attestation,
            }
        )

    def get(self, options: dict[str, Any], **lies: Any) -> str:
        """Answer to `navigator.credentials.get`; the count goes up first."""
        self.count += 1
        client = self._client("webauthn.get", options["publicKey"]["challenge"], **lies)
        data = self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._sent(
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": self.user_handle,
            }
        )

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, challenge: str, /, **lies: Any) -> bytes:
        facts = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | lies
        return json.dumps(facts).encode()

    def _sent(self, response: dict[str, bytes]) -> str:
        identity = websafe_encode(self.credential_id)
        return json.dumps(
            {
                "id": identity,
                "rawId": identity,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {name: websafe_encode(value) for name, value in response.items()},
            }
        )
