"""Certificates: which are accepted, and the dates on them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tenants.foundation.errors import InvalidInput

_SMALLEST_RSA: Final = 2048
WARN_BEFORE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What an administrator needs to know of a certificate."""

    subject: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    key: str

    @property
    def is_valid_now(self) -> bool:
        """Whether its dates allow its use."""
        return self.not_before <= datetime.now(UTC) < self.not_after

    @property
    def runs_out_soon(self) -> bool:
        """Whether it is time to get the next one."""
        return datetime.now(UTC) + WARN_BEFORE >= self.not_after


def normal_certificate(text: str) -> str:
    """Return a provider's certificate as PEM, whether it came with its frame or without.

    Raises: InvalidInput (none, weak key, signed or keyed in a way that is not accepted).
    """
    body = "".join(
        text.replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "").split()
    )
    framed = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    try:
        certificate = x509.load_pem_x509_certificate(framed.encode("ascii"))
        key = certificate.public_key()
    except (ValueError, TypeError) as error:
        msg = "This is not a certificate. Paste the block that begins with BEGIN CERTIFICATE."
        raise InvalidInput(msg, code="invalid_input.certificate", fields={"certificates": [msg]}) from error
    is_weak = isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_RSA
    if is_weak or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        msg = "The key of this certificate is too weak: RSA with 2048 bits or more, or an elliptic curve."
        raise InvalidInput(msg, code="invalid_input.certificate", fields={"certificates": [msg]})
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def facts_of(pem: str) -> CertificateFacts:
    """Read a certificate that was accepted before."""
    certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    key = certificate.public_key()
    bits = f"RSA {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else "EC"
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string()[:200],
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":"),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=bits,
    )
