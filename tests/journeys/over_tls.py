"""A console over TLS as in production: names on port 443, a certificate the browser trusts, `__Host-` cookies."""

import base64
import datetime
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

_AS_IN_PRODUCTION: Final = {
    "PUBLIC_SCHEME": "https", "PUBLIC_PORT": None,
    "SESSION_COOKIE_NAME": "__Host-session", "CSRF_COOKIE_NAME": "__Host-csrf",
    "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True,
}  # fmt: skip


@dataclass(frozen=True)
class TlsSite:
    """A port that speaks TLS, and the hash of the key it shows, by which a browser is told to trust it."""

    port: int
    hosts: tuple[str, ...]
    key_hash: str

    @property
    def browser_arguments(self) -> list[str]:
        """What makes Chromium find these hosts here, at the usual port, believe them, and find no others."""
        rules = [f"MAP {host}:443 127.0.0.1:{self.port}" for host in self.hosts]
        return [
            f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}",
            f"--ignore-certificate-errors-spki-list={self.key_hash}",
        ]


class _TlsThread(LiveServerThread):
    """Django's server for tests behind a certificate; the handshake is made in the thread of its connection."""

    def __init__(self, certificate: Path) -> None:
        super().__init__("127.0.0.1", StaticFilesHandler, connections_override={})
        self.daemon = True
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)

    def _create_server(self, connections_override: Any = None) -> Any:
        server = super()._create_server(connections_override)  # type: ignore[misc]
        server.socket = self._context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.base_environ["HTTPS"] = "on"
        return server


@contextmanager
def over_tls(folder: Path, hosts: list[str]) -> Iterator[TlsSite]:
    """Serve the console for these hosts over TLS, with the settings of production that cookies and origins hang on."""
    certificate, key_hash = _certificate(folder, hosts)
    thread = _TlsThread(certificate)
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    before = {name: getattr(settings, name) for name in _AS_IN_PRODUCTION}
    for name, value in _AS_IN_PRODUCTION.items():
        setattr(settings, name, value)
    try:
        yield TlsSite(thread.port, tuple(hosts), key_hash)
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
        thread.terminate()


def _certificate(folder: Path, hosts: list[str]) -> tuple[Path, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return file, base64.b64encode(hashlib.sha256(public).digest()).decode()
