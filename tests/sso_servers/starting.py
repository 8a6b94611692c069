"""Installs the npm servers once, starts them on free ports and waits until they answer."""

import fcntl
import html
import http.client
import http.cookiejar
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.conf import settings

HERE: Final = Path(__file__).parent
_PATIENCE_SECONDS: Final = 60


def installed_modules() -> Path:
    """The `node_modules` folder, installed on first use; the test is skipped where that cannot be done."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not here: the identity providers of npm cannot be started.")
    folder = settings.VAR_DIR / "sso-servers"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_text()
        mark = folder / "node_modules" / ".installed"
        if not mark.exists() or mark.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder / name)
            done = subprocess.run(
                [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=folder, capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip
            if done.returncode != 0:
                pytest.skip(f"npm could not install the identity providers: {done.stderr[-300:]}")
            mark.write_text(wanted)
    return folder / "node_modules"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(command: list[str], *, port: int, cwd: Path, log: Path) -> Iterator[None]:
    """A server that answers on its port until the block ends."""
    output: IO[bytes] = log.open("wb")
    process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"The server ended: {log.read_text()[-800:]}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        output.close()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Browser:
    """What a person's browser does at the provider: cookies, forms, no redirect followed by itself."""

    base: str
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def open(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Return (status, body, Location)."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), _NoRedirects)
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with opener.open(urllib.parse.urljoin(self.base, url), data, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("Location") or ""
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode(), answer.headers.get("Location") or ""


def hidden_fields(page: str) -> dict[str, str]:
    """Name → value of the inputs of a page."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name = re.search(r"""name=(["'])(.*?)\1""", tag)
        value = re.search(r"""value=(["'])(.*?)\1""", tag)
        if name:
            found[html.unescape(name[2])] = html.unescape(value[2]) if value else ""
    return found


@dataclass
class SamlIdp:
    """A running saml-idp."""

    base: str
    issuer: str

    def set(self, **options: object) -> None:
        """Change its settings, as its own settings page does."""
        form = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in options.items()
        }
        Browser(self.base).open("/settings", form)

    def metadata(self) -> bytes:
        """Its metadata document."""
        return Browser(self.base).open("/metadata")[1].encode()

    def sign_in(
        self, address: str, person: Mapping[str, str], *, browser: Browser | None = None
    ) -> dict[str, str]:
        """Sign somebody in after a request of ours; return what the browser would post: SAMLResponse, RelayState."""
        browser = browser or Browser(self.base)
        page = browser.open(address)[1]
        asked = hidden_fields(page)
        assert "_authnRequest" in asked, page[page.find("<h1>") :][:1200]
        said = {"_authnRequest": asked["_authnRequest"], "nameIdFormat": PERSISTENT, **person}
        answer = browser.open("/signin", said)[1]
        fields = hidden_fields(answer)
        assert "SAMLResponse" in fields, answer[answer.find("<h1>") :][:1200]
        return fields

    def sign_in_unasked(self, person: Mapping[str, str]) -> dict[str, str]:
        """Begin a sign-in at the provider; return what the browser would post."""
        return hidden_fields(Browser(self.base).open("/signin", {"nameIdFormat": PERSISTENT, **person})[1])

    def encrypt_for(self, certificate: str) -> None:
        """Have it encrypt assertions from now on."""
        public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        self.set(encryptAssertion=True, encryptionCert=certificate, encryptionPublicKey=pem)


PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def as_json(value: Any) -> str:
    """JSON for a command line."""
    return json.dumps(value)


__all__ = [
    "Browser",
    "SamlIdp",
    "as_json",
    "free_port",
    "hidden_fields",
    "http",
    "installed_modules",
    "running",
]
