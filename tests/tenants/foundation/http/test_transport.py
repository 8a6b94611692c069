"""TLS through the guarded sockets: the name is kept, the certificate is checked."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import FailureReason, OutboundClient, Timeouts


class TlsServer:
    """A loopback TLS server for `service.example` that records the names it was greeted with."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.greeted: list[str | None] = []
        self.requests: list[bytes] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda sock, name, ctx: self.greeted.append(name)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                raw, _ = self._listener.accept()
            except TimeoutError:
                continue
            raw.settimeout(2)
            try:
                with self._context.wrap_socket(raw, server_side=True) as connection:
                    self.requests.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            except OSError:
                continue
            finally:
                raw.close()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[TlsServer]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("service.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    server = TlsServer(path)
    yield server
    server.stop()


def call(server: TlsServer, host: str) -> str:
    context = ssl.create_default_context(cafile=str(server.certificate))
    with OutboundClient(
        service="Example",
        allowed_private_hosts=[host],
        resolver=lambda host, port: ["127.0.0.1"],
        verify=context,
        timeouts=Timeouts(connect_seconds=1, read_seconds=1, total_seconds=2),
    ) as outbound:
        return outbound.request("GET", f"https://{host}:{server.port}/").text


def test_the_name_reaches_tls_and_the_host_header_though_an_address_is_dialled(tls_server: TlsServer) -> None:
    assert call(tls_server, "service.example") == "ok"
    assert tls_server.greeted == ["service.example"]
    assert f"host: service.example:{tls_server.port}".encode() in tls_server.requests[0].lower()


def test_a_certificate_for_another_name_is_refused(tls_server: TlsServer) -> None:
    with pytest.raises(ExternalServiceError) as caught:
        call(tls_server, "other.example")
    assert (caught.value.reason, caught.value.is_transient) == (FailureReason.TLS, False)
    assert tls_server.requests == []
