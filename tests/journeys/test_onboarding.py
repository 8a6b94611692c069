"""A company is taken in by the API alone: from the first letter to enforced single sign-on with a directory."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import IO
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tenants.accounts.models import (
    BreakGlassOwner,
    ExternalIdentity,
    IdentityProvider,
    ScimPerson,
    SsoLogEntry,
    User,
)
from tenants.foundation import dns
from tenants.lifecycle.signups.proofs import code_of
from tenants.models import Signup, Tenant
from tenants.tenancy import atomic, tenant_scope
from tests.fakes.name_server import NameServer
from tests.faults.conftest import wait_until
from tests.journeys.conftest import Site
from tests.journeys.persons import Person, told
from tests.journeys.sign_ups import company_is_made
from tests.journeys.test_examples import EXAMPLES, START
from tests.journeys.test_examples import platform as platform
from tests.sso_servers.openid import SECRET, OidcServer
from tests.sso_servers.starting import free_port, hidden_fields

pytestmark = pytest.mark.xdist_group("sso_servers")

OLGA = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "olga@people.example",
    "externalId": "olga", "name": {"givenName": "Olga", "familyName": "Oidc-Example"}, "active": True,
    "emails": [{"value": "olga@people.example", "primary": True, "type": "work"}],
}  # fmt: skip
PASSWORD = "four unrelated words here"
SLUG = "made-by-example"


class Program:
    """The example as somebody runs it: what it says, and what is typed."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", START, str(EXAMPLES / "onboard_tenant.py"), *arguments],
            env={"PATH": os.environ["PATH"], "NTS_LOOK_EVERY_SECONDS": "0.2", **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said: list[str] = []
        self._lines: Queue[str] = Queue()
        assert self._process.stdout
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))

    def type(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def says(self, words: str) -> str:
        """Wait for a line with these words; it may have been said already."""
        for line in self.said:
            if words in line:
                return line
        while True:
            try:
                line = self._lines.get(timeout=60)
            except Empty:
                raise AssertionError(f"It never said {words!r}: {self.said} {self._complaint()}") from None
            self.said.append(line)
            if words in line:
                return line

    def ends(self) -> int:
        return self._process.wait(timeout=60)

    def _complaint(self) -> str:
        self._process.kill()
        assert self._process.stderr
        return self._process.stderr.read()

    def stop(self) -> None:
        self._process.kill()
        self._reader.join()
        # Its end closes what it was spoken to through.
        with self._process:
            pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OidcServer]:
    """Its address is known before it runs, as that of a real provider is."""
    chosen = OidcServer(tmp_path, issuer=f"http://127.0.0.1:{free_port()}")
    yield chosen
    chosen.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    with NameServer().serving() as running:
        monkeypatch.setattr(dns, "system_servers", lambda: [running.address])
        yield running


@pytest.fixture
def file_of_provider(tmp_path: Path, server: OidcServer) -> Path:
    path = tmp_path / "provider.json"
    path.write_text(
        json.dumps({"preset": "oidc", "name": "Example Connect", "issuer": server.issuer, "client_id": "nts"})
    )
    return path


@pytest.fixture
def program(platform: Site, file_of_provider: Path) -> Iterator[Program]:
    running = Program(
        "--email=ann@made.example", "--name=Made", f"--slug={SLUG}", "--owner=Ann Made-Up",
        "--second-owner=cleo@made.example", "--email-domain=people.example",
        f"--identity-provider={file_of_provider}", "--directory=Example Directory", "--enforce",
        NTS_URL=platform.url, NTS_PASSWORD=PASSWORD, NTS_IDP_SECRET=SECRET,
    )  # fmt: skip
    yield running
    running.stop()


def make_the_company(program: Program) -> None:
    """The platform's workers do their part."""
    wait_until(Signup.objects.exists, seconds=60, what="somebody signs up")
    program.type(code_of(Signup.objects.get().pk))
    wait_until(lambda: company_is_made(SLUG), seconds=120, what="the company is made")
    program.says("is ready at")


def agrees_to_the_change(person: Person) -> None:
    """Agree to the one change that waits."""
    waiting = re.search(r"/settings/changes/[0-9a-f-]{36}/", person.open("/settings/changes/").text)
    assert waiting
    token = hidden_fields(person.open(waiting[0]).text)["csrfmiddlewaretoken"]
    agreed = person.open(f"{waiting[0]}approve/", {"csrfmiddlewaretoken": token})
    assert agreed.status == 302, agreed.text


def comes_by_the_provider(person: Person, server: OidcServer, who: str) -> None:
    """Sign in as somebody does who types their address on the sign-in page."""
    found = person.submit("/account/sign-in/")
    assert found.status == 200
    page = person.open("/sso/find/", {
        "csrfmiddlewaretoken": person.cookies["csrftoken"], "email": f"{who}@people.example",
    })  # fmt: skip
    with_provider = page.text.partition("/sso/")[2].partition("/start/")[0]
    start = person.open(f"/sso/{with_provider}/start/?hint={who}@x")
    person.follow(person.open(server.sign_in(start.location)))


def test_a_company_comes_in_by_the_api_alone_up_to_enforced_single_sign_on(
    platform: Site, program: Program, server: OidcServer, names: NameServer, settings: Settings
) -> None:
    make_the_company(program)
    host, port = f"{SLUG}.{django_settings.BASE_DOMAIN}", platform.port

    # Cleo follows the link of her invitation.
    cleo = Person(host, port)
    link = told(program.says("is invited as owner"), "owner:")
    assert cleo.submit(link, name="Cleo Made-Up", password=PASSWORD).status == 302

    # Whoever looks after the domain sets the record.
    record = program.says("Set the TXT record")
    names.txt(told(record, "record"), told(record, "="))
    program.says("people.example is proved")

    # Whoever looks after the provider enters our address there, and somebody tries it out.
    server.start(told(program.says("redirect_uri"), "redirect_uri:"))
    tester = Person(host, port)
    start = tester.open(told(program.says("Try the sign-in out"), "out:") + "?hint=olga@x")
    assert start.status == 302, start.text
    tried = tester.follow(tester.open(server.sign_in(start.location)))
    assert "Grade" in tried.text
    assert not tester.is_signed_in

    # Ann's program asks for it to be switched on; with two owners the other one agrees.
    program.says("Somebody else has to agree")
    agrees_to_the_change(cleo)
    program.says("is switched on: grade A")

    # The company's directory brings somebody.
    base = told(program.says("as base URL"), "URL:")
    key = told(program.says("as token"), "token:")
    status, brought = Person(host, port).call(f"{urlsplit(base).path.rstrip('/')}/Users", key, OLGA)
    assert (status, brought.get("active")) == (201, True), brought

    # Both owners touch their keys.
    program.says("makes a passkey")
    ann = Person(host, port)
    assert ann.submit("/account/sign-in/", login="ann@made.example", password=PASSWORD).status == 302
    keys = {"Ann's key": ann, "Cleo's key": cleo}
    for name, person in keys.items():
        person.make_passkey(name)
    program.says("Single sign-on is enforced.")
    assert program.ends() == 0, program.said

    # From now on the provider is the only way in, but for the two with their keys.
    olga = Person(host, port)
    comes_by_the_provider(olga, server, "olga")
    assert olga.is_signed_in
    made = Tenant.objects.get(slug=SLUG)
    with tenant_scope(made.ref), atomic():
        provider = IdentityProvider.objects.get()
        assert (provider.state, provider.test_grade) == ("enforced", "A")
        assert BreakGlassOwner.objects.count() == 2
        # Who came by the provider is who the directory brought, not somebody else.
        assert ExternalIdentity.objects.get().user == ScimPerson.objects.get().user
        assert User.objects.filter(email="olga@people.example").count() == 1
        assert SsoLogEntry.objects.filter(event="sign_in", outcome="accepted", is_test=True).count() == 1
