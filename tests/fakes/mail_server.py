"""A mail server on loopback that speaks SMTP with and without TLS, and misbehaves in the ways real ones do."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate_for(name: str, path: Path) -> Path:
    """A certificate for a name, signed by itself, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


@dataclass(frozen=True)
class Taken:
    """A message the server took, with the envelope it came in."""

    sender: str
    to: str
    message: EmailMessage
    user: str


@dataclass
class MailServer:
    """One server; ``habit`` and ``replies`` say how it misbehaves."""

    certificate: Path | None = None
    is_tls: bool = False
    users: dict[str, str] = field(default_factory=dict)
    # What is answered to a command ("RCPT", "DATA", ".", …) instead of what would be right.
    replies: dict[str, str] = field(default_factory=dict)
    # "silent", "garbage", "closes", "drips", "talks", "closes in data", "silent after data".
    habit: str = ""
    taken: list[Taken] = field(default_factory=list)
    calls: int = 0
    said: list[str] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    @contextmanager
    def serving(self) -> Iterator["MailServer"]:
        """Answer until the block ends."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        thread = threading.Thread(target=self._serve)
        thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            thread.join()
            self._listener.close()

    def _serve(self) -> None:
        while not self._is_over.is_set():
            try:
                caller, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.calls += 1
            with caller, suppress(OSError, EOFError):
                caller.settimeout(10)
                conversation = _Conversation(self, caller)
                try:
                    conversation.hold()
                finally:
                    conversation.close()

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cast(Path, self.certificate))
        return context

    def is_over(self) -> bool:
        """Whether the test has ended."""
        return self._is_over.is_set()

    def wait(self) -> None:
        """Say nothing until the test ends."""
        self._is_over.wait(30)


class _Conversation:
    """What is said over one connection."""

    def __init__(self, server: MailServer, caller: socket.socket) -> None:
        self._server, self._caller = server, caller
        self._sender = self._to = self._user = ""
        self._is_safe = False
        self._lines = caller.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._caller.close()

    def hold(self) -> None:
        habit = self._server.habit
        if habit in ("silent", "closes"):
            if habit == "silent":
                self._server.wait()
            return
        if self._server.is_tls:
            self._protect()
        if habit == "garbage":
            self._caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        if habit in ("drips", "talks"):
            self._go_on(habit)
            return
        self._say(self._server.replies.get("", "220 mail.example ready"))
        while line := self._lines.readline(2000):
            text = line.decode("utf-8", "replace").strip()
            self._server.said.append(text)
            command = text.split(" ", 1)[0].upper()
            if reply := self._server.replies.get(command):
                self._say(reply)
                continue
            answer: Callable[[str], bool] | None = getattr(self, f"_on_{command.lower()}", None)
            if answer is None:
                self._say("250 as you like")
            elif not answer(text):
                return

    def _protect(self) -> None:
        self._lines.close()
        self._caller = self._server.context().wrap_socket(self._caller, server_side=True)
        self._lines = self._caller.makefile("rb")
        self._is_safe = True

    def _say(self, text: str) -> None:
        self._caller.sendall(text.encode() + b"\r\n")

    def _go_on(self, habit: str) -> None:
        """Never come to an end, a byte at a time or as fast as it goes."""
        while not self._server.is_over():
            self._caller.sendall(b"2" if habit == "drips" else b"220-and another thing\r\n" * 200)
            if habit == "drips":
                self._server._is_over.wait(0.05)

    def _on_ehlo(self, _text: str) -> bool:
        offers = ["mail.example"]
        if self._server.certificate and not self._is_safe and not self._server.is_tls:
            offers.append("STARTTLS")
        if self._server.users:
            offers.append("AUTH PLAIN")
        lines = [f"250-{each}" for each in offers[:-1]] + [f"250 {offers[-1]}"]
        self._say("\r\n".join(lines))
        return True

    def _on_starttls(self, _text: str) -> bool:
        self._say("220 go ahead")
        self._protect()
        return True

    def _on_auth(self, text: str) -> bool:
        _nothing, user, password = base64.b64decode(text.split()[-1]).decode().split("\0")
        if self._server.users.get(user) != password:
            self._say("535 5.7.8 who is that")
            return True
        self._user = user
        self._say("235 welcome")
        return True

    def _on_mail(self, text: str) -> bool:
        if self._server.users and not self._user:
            self._say("530 sign in first")
            return True
        self._sender = text.partition("<")[2].partition(">")[0]
        self._say("250 ok")
        return True

    def _on_rcpt(self, text: str) -> bool:
        self._to = text.partition("<")[2].partition(">")[0]
        self._say("250 ok")
        return True

    def _on_data(self, _text: str) -> bool:
        self._say("354 go on")
        if self._server.habit == "closes in data":
            self._lines.readline()
            return False
        lines = []
        while (line := self._lines.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self._server.habit == "silent after data":
            self._server.wait()
            return False
        if reply := self._server.replies.get("."):
            self._say(reply)
            return True
        message = message_from_bytes(b"".join(lines), policy=default)
        self._server.taken.append(Taken(self._sender, self._to, message, self._user))
        self._say("250 taken")
        return True

    def _on_quit(self, _text: str) -> bool:
        self._say("221 good-bye")
        return False
