"""What people do at a live site without a browser: pages, forms, cookies and a security key, all by plain HTTP."""

import http.client
import json
import re
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.authenticator import Authenticator
from tests.sso_servers.starting import hidden_fields

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """An answer: its status, its text and where it leads."""

    status: int
    text: str
    location: str


@dataclass
class Person:
    """Somebody at one company's host; names below localhost are this machine."""

    host: str
    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The site as a browser names it."""
        return f"http://{self.host}:{self.port}"

    def open(self, address: str, form: dict[str, str] | None = None) -> Page:
        """Get a page, or post a form to it; no redirect is followed."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Host": f"{self.host}:{self.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": self.origin,
        }
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), FORM
            headers["X-CSRFToken"] = self.cookies.get("csrftoken", "")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST" if form is not None else "GET", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            for line in answer.headers.get_all("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return Page(answer.status, text, answer.headers.get("Location") or "")
        finally:
            connection.close()

    def submit(self, path: str, /, **values: str) -> Page:
        """Open a page and send its form with these values."""
        page = self.open(path)
        fields = hidden_fields(page.text)
        token = fields.get("csrfmiddlewaretoken", "")
        return self.open(path, {"csrfmiddlewaretoken": token, **values})

    def follow(self, page: Page) -> Page:
        """Go where answers lead, as long as it is this host."""
        while page.location and (urlsplit(page.location).netloc or self.host).startswith(self.host):
            page = self.open(page.location)
        return page

    def make_passkey(self, name: str) -> Authenticator:
        """Make a passkey on the page of one's own sign-in."""
        home = "/settings/my-sign-in/"
        key = Authenticator(self.origin, self.host, credential_id=f"{name:32}".encode())
        token = hidden_fields(self.open(home).text)["csrfmiddlewaretoken"]
        offered = self.open(f"{home}passkeys/options/", {"csrfmiddlewaretoken": token})
        assert offered.status == 200, offered.text[:500]
        options: dict[str, Any] = json.loads(offered.text)
        made = self.open(
            f"{home}passkeys/",
            {"csrfmiddlewaretoken": token, "name": name, "credential": key.create(options)},
        )
        assert f"The passkey {name} is set up." in unescape(made.text), made.text[:500]
        return key

    def call(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Post JSON as a program with a token does; return the status and what came back."""
        headers = {
            "Host": f"{self.host}:{self.port}", "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json",
        }  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    @property
    def is_signed_in(self) -> bool:
        """Whether the site knows who this is."""
        return self.open("/settings/preferences/").status == 200


def told(line: str, before: str) -> str:
    """What a line says after some words. Raises: AssertionError."""
    found = re.search(re.escape(before) + r"\s*(\S+)", line)
    assert found, line
    return found[1]
