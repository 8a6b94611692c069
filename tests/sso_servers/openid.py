"""A running oidc-provider: who is known there, starting it, and signing in as a browser does."""

from dataclasses import dataclass, field
from typing import Any

from tests.sso_servers.starting import HERE, Browser, as_json, free_port, installed_modules, running

SECRET = "a secret of the tests only"
PEOPLE = {
    "olga": {
        "email": "olga@people.example", "email_verified": True, "name": "Olga Oidc-Example", "groups": ["Makers"],
    },
    "mallory": {"email": "olga@people.example", "email_verified": True, "name": "Mallory"},
    "unsure": {"email": "unsure@people.example", "email_verified": False, "name": "Unsure"},
    "stranger": {"email": "boss@elsewhere.example", "email_verified": True, "name": "Stranger"},
    "silent": {"name": "Silent"},
}  # fmt: skip


@dataclass
class OidcServer:
    """Runs one oidc-provider for the redirect URI a test registers."""

    folder: Any
    issuer: str = ""
    stops: list[Any] = field(default_factory=list)

    def start(self, redirect_uri: str, **settings: object) -> str:
        """Start it; return its issuer, which is kept if it was chosen before."""
        modules = installed_modules()
        self.issuer = self.issuer or f"http://127.0.0.1:{free_port()}"
        said = {
            "issuer": self.issuer, "secret": SECRET, "redirect_uris": [redirect_uri], "modules": str(modules),
            "people": PEOPLE, **settings,
        }  # fmt: skip
        command = ["node", str(HERE / "oidc.mjs"), as_json(said)]
        port = int(self.issuer.rpartition(":")[2])
        context = running(command, port=port, cwd=self.folder, log=self.folder / "log")
        context.__enter__()
        self.stops.append(context)
        return self.issuer

    def stop(self) -> None:
        """End all that was started."""
        for context in self.stops:
            context.__exit__(None, None, None)

    def sign_in(self, address: str, *, browser: Browser | None = None) -> str:
        """Walk through the provider's pages; return where it sends the browser back to."""
        browser = browser or Browser(self.issuer)
        for _ in range(12):
            status, body, address = browser.open(address)
            assert status in {302, 303}, body[:600]
            if not address.startswith(("/", self.issuer)):
                return address
        raise AssertionError("The provider led in circles.")
