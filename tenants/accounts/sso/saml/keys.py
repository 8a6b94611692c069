"""The company's own keys towards SAML providers, and the dates on certificates."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import ServiceProviderKey
from tenants.foundation.errors import InvalidInput
from tenants.foundation.ids import uuid7
from tenants.secrets.services import reveal_secret, store_secret
from tenants.tenancy import atomic, current_tenant, wait_for_turn

_VALID: Final = timedelta(days=3 * 365)
_OWNER_TABLE: Final = "accounts_serviceproviderkey"
_SMALLEST_RSA: Final = 2048
WARN_BEFORE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM; the key never leaves the process."""

    certificate: str
    private_key: str

    def __repr__(self) -> str:
        return "KeyPair(***)"


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


@atomic
def own_keys() -> KeyPair:
    """Return the company's key pair, made and sealed at first use. Raises: CryptoError."""
    row = ServiceProviderKey.objects.first()
    if row is None:
        wait_for_turn("sso-sp-key")
        row = ServiceProviderKey.objects.first() or _new_key()
    return KeyPair(row.certificate, reveal_secret(row.private_key_id).reveal())


def _new_key() -> ServiceProviderKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{current_tenant().slug} sign-in"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
    row_id = uuid7()
    secret = store_secret(
        name="private_key", owner_table=_OWNER_TABLE, owner_id=row_id, value=pem, actor=SYSTEM
    )
    return ServiceProviderKey.objects.create(
        id=row_id,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        private_key_id=secret.pk,
        expires_at=now + _VALID,
    )


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
