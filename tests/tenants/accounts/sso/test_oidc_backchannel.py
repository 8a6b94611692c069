"""Back-channel logout: oidc-provider ends sign-ins here by itself, and tokens that end nothing."""

import base64
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.models import (
    EmailDomain,
    ExternalIdentity,
    IdentityProvider,
    PendingSignIn,
    SsoLogEntry,
    SsoSession,
    UsedAssertion,
    UserSession,
)
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import create_user
from tenants.accounts.sso import pending, services, sso_log
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.oidc import backchannel, discovery, tokens
from tenants.accounts.sso.oidc.backchannel import EVENT, accept_logout_token
from tenants.tenancy import TenantRef
from tests.people import signed_in_client, token_client
from tests.sso_servers.openid import SECRET, OidcServer
from tests.sso_servers.starting import Browser, hidden_fields
from tests.tenants.accounts.sso.conftest import changed, switched_on

pytestmark = pytest.mark.xdist_group("sso_servers")
BASE = "https://op.example"


@dataclass
class Letterbox:
    """Takes what a provider posts, as its server does it, to be posted here by the test."""

    address: str
    posted: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            box.posted.append({name: values[0] for name, values in parse_qs(body).items()})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    box = Letterbox(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(tmp_path: Any) -> Iterator[OidcServer]:
    running_server = OidcServer(tmp_path)
    yield running_server
    running_server.stop()


def window(host: str) -> Client:
    return Client(headers={"host": host})


def last_entry() -> tuple[str, str]:
    """What the newest entry of the log says, and the reason in it."""
    entry = SsoLogEntry.objects.exclude(event__startswith="provider").first()
    return (f"{entry.event} {entry.outcome}: {entry.detail}", entry.reason) if entry else ("", "")


def is_in(client: Client) -> bool:
    return client.get("/settings/preferences/").status_code == 200


@pytest.mark.parametrize("names_session", [True, False])
def test_signing_out_there_ends_here_what_the_provider_means(
    server: OidcServer,
    letterbox: Letterbox,
    admin: UserActor,
    verified_domain: EmailDomain,
    host: str,
    names_session: bool,
) -> None:
    """With the session named, only that one; without, all of the person's. Nobody else's in either case."""
    cache.clear()
    provider = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    issuer = server.start(
        f"http://{host}/sso/{provider.pk}/callback/",
        backchannel_logout_uri=letterbox.address,
        backchannel_logout_session_required=names_session,
    )
    values = {"issuer": issuer, "client_id": "nts"}
    change = services.ProviderChange(values=values, client_secret=SECRET)
    switched_on(changed(provider, change, admin))
    laptop, phone = window(host), window(host)
    at_laptop, at_phone = Browser(issuer), Browser(issuer)
    for client, there in ((laptop, at_laptop), (phone, at_phone)):
        start = client.get(f"/sso/{provider.pk}/start/?hint=olga@x")
        parts = urlsplit(server.sign_in(start["Location"], browser=there))
        finish = client.get(f"{parts.path}?{parts.query}")
        assert client.get(finish["Location"]).status_code == 302, last_entry()
        assert is_in(client)
    bystander = signed_in_client(host, admin)

    # At the laptop's provider: yes, sign me out.
    status, body, _ = at_laptop.open("/session/end")
    assert status == 200, body[:300]
    left = at_laptop.open("/session/end/confirm", hidden_fields(body) | {"logout": "yes"})
    assert len(letterbox.posted) == 1, (left, (server.folder / "log").read_text())
    told = window(host)
    answer = told.post(f"/sso/{provider.pk}/backchannel/", letterbox.posted[0])
    assert (answer.status_code, answer.content) == (200, b""), last_entry()
    assert answer["Cache-Control"] == "no-store"
    assert not is_in(laptop)
    assert is_in(phone) is names_session
    assert is_in(bystander)
    assert set(UserSession.objects.exclude(ended_at=None).values_list("ended_because", flat=True)) == {
        "provider"
    }
    entry = SsoLogEntry.objects.get(event="logout", outcome="accepted")
    assert (entry.subject, entry.detail) == ("olga", f"{1 if names_session else 2} sessions ended.")
    # The same token once more.
    again = told.post(f"/sso/{provider.pk}/backchannel/", letterbox.posted[0])
    assert (again.status_code, again.json()) == (400, {"error": "invalid_request"})
    assert again["Cache-Control"] == "no-store"
    assert last_entry() == ("logout refused: This assertion or token was used before.", "replay")


# --- tokens signed by hand


@dataclass
class ByHand:
    """A provider whose key the test holds, with somebody signed in by it twice and their API token."""

    provider: IdentityProvider
    key: rsa.RSAPrivateKey
    host: str
    laptop: Client
    phone: Client
    program: Any

    def said(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        said = {
            "iss": BASE, "aud": "nts", "iat": now, "exp": now + 120, "jti": uuid4().hex, "sub": "nia-1",
            "events": {EVENT: {}},
        } | changes  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def token(self, *, key: Any = None, algorithm: str = "RS256", header: Any = None, **changes: Any) -> str:
        headers = {"kid": "k", "typ": "logout+jwt"} | (header or {})
        return jwt.encode(self.said(**changes), key or self.key, algorithm, headers=headers)

    def post(self, token: str) -> tuple[int, str]:
        answer = window(self.host).post(f"/sso/{self.provider.pk}/backchannel/", {"logout_token": token})
        return answer.status_code, last_entry()[1]


def signed_in_by(host: str, actor: UserActor, identity: ExternalIdentity, sid: str) -> Client:
    client = signed_in_client(host, actor)
    SsoSession.objects.create(
        identity=identity, name_id=identity.subject, session_index=sid,
        session_key=client.session.session_key or "", sign_in_id=client.session["_sign_in"],
    )  # fmt: skip
    return client


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def by_hand(admin: UserActor, host: str, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> ByHand:
    cache.clear()
    provider = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    change = services.ProviderChange(values={"issuer": BASE, "client_id": "nts"}, client_secret=SECRET)
    switched_on(changed(provider, change, admin))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k", "use": "sig"}
    endpoints = discovery.Endpoints(BASE, f"{BASE}/a", f"{BASE}/t", f"{BASE}/j", "", names_itself=True)
    monkeypatch.setattr(backchannel, "discover", lambda _issuer: endpoints)
    monkeypatch.setattr(tokens, "signing_keys", lambda *_args, **_options: [public])
    nia = actor_for(
        create_user(
            email="nia@people.example", name="Nia New-Example", role=Role.MEMBER, password=None, actor=SYSTEM
        )
    )
    identity = ExternalIdentity.objects.create(provider=provider, subject="nia-1", user=nia.user)
    laptop = signed_in_by(host, nia, identity, "s-laptop")
    phone = signed_in_by(host, nia, identity, "s-phone")
    return ByHand(provider, key, host, laptop, phone, token_client(host, nia))


@pytest.mark.parametrize(
    ("names", "still_in"),
    [
        ({}, (False, False)),
        ({"sid": "s-phone"}, (True, False)),
        ({"sid": "s-phone", "sub": None}, (True, False)),
        ({"sid": "s-unknown"}, (True, True)),
        ({"sub": "somebody-else"}, (True, True)),
        ({"sid": "s-phone", "sub": "somebody-else"}, (True, True)),
    ],
    ids=["person", "session", "session alone", "unknown session", "unknown person", "not their session"],
)
def test_what_a_token_names_ends_and_nothing_else(
    by_hand: ByHand, names: dict[str, Any], still_in: tuple[bool, bool]
) -> None:
    """Nobody there any more is a success, too. API tokens are no sign-ins: they stay."""
    assert by_hand.post(by_hand.token(**names))[0] == 200, last_entry()
    assert (is_in(by_hand.laptop), is_in(by_hand.phone)) == still_in
    assert by_hand.program.get("/api/v1/me/").status_code == 200


def test_a_sign_in_from_before_sessions_were_named_ends_with_the_person(by_hand: ByHand) -> None:
    SsoSession.objects.filter(session_index="s-laptop").update(session_index="")
    assert by_hand.post(by_hand.token(sid="s-new"))[0] == 200
    assert (is_in(by_hand.laptop), is_in(by_hand.phone)) == (False, True)


def test_a_sign_in_of_the_release_before_ends_as_well(by_hand: ByHand) -> None:
    SsoSession.objects.update(sign_in_id=None)
    assert by_hand.post(by_hand.token())[0] == 200
    assert (is_in(by_hand.laptop), is_in(by_hand.phone)) == (False, False)
    assert not SsoSession.objects.exists()


def test_what_cannot_be_noted_is_not_done_and_the_token_still_counts(
    by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_said: Any) -> None:
        raise RuntimeError("The process died.")

    token = by_hand.token()
    with monkeypatch.context() as broken:
        broken.setattr(sso_log, "note", fail)
        with pytest.raises(RuntimeError):
            accept_logout_token(provider_id=by_hand.provider.pk, token=token)
    assert is_in(by_hand.laptop)
    assert by_hand.post(token)[0] == 200
    assert not is_in(by_hand.laptop)


def test_an_answer_that_waits_to_be_finished_is_worth_nothing_afterwards(by_hand: ByHand) -> None:
    for subject in ("nia-1", "somebody-else"):
        pending.begin(provider=by_hand.provider, browser="b", claims=Claims(subject=subject))
    assert by_hand.post(by_hand.token())[0] == 200
    assert [row.claims["subject"] for row in PendingSignIn.objects.all() if row.claims] == ["somebody-else"]


def test_one_that_was_switched_off_again_still_ends_what_it_began(by_hand: ByHand) -> None:
    IdentityProvider.objects.update(state="test")
    assert by_hand.post(by_hand.token())[0] == 200
    assert not is_in(by_hand.laptop)
    IdentityProvider.objects.update(state="draft")
    assert by_hand.post(by_hand.token()) == (400, "not_offered")


LONG_AGO = {"iat": int(time.time()) - 3600, "exp": int(time.time()) + 3600}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "issuer"),
    "another application": ({"aud": "another"}, "audience"),
    "no audience": ({"aud": None}, "logout_token"),
    "no end": ({"exp": None}, "logout_token"),
    "no beginning": ({"iat": None}, "logout_token"),
    "over": ({"exp": 1_700_000_000}, "expired"),
    "issued in future": ({"iat": 4_000_000_000}, "too_early"),
    "issued an hour ago": (LONG_AGO, "expired"),
    "no events": ({"events": None}, "logout_token"),
    "other events": ({"events": {"http://schemas.example/other": {}}}, "logout_token"),
    "events as a list": ({"events": [EVENT]}, "logout_token"),
    "an event that is no object": ({"events": {EVENT: "yes"}}, "logout_token"),
    "a nonce": ({"nonce": "n"}, "logout_token"),
    "an empty nonce": ({"nonce": ""}, "logout_token"),
    "no name of its own": ({"jti": None}, "logout_token"),
    "an empty name": ({"jti": ""}, "logout_token"),
    "neither person nor session": ({"sub": None}, "logout_token"),
    "a list for a session": ({"sid": ["s-phone"]}, "logout_token"),
    "an empty session": ({"sid": ""}, "logout_token"),
    "another type": ({"header": {"typ": "at+jwt"}}, "logout_token"),
    "an unknown key": ({"header": {"kid": "other"}}, "signature"),
}


@pytest.mark.parametrize("bad", list(BAD))
def test_a_token_that_is_not_right_ends_nothing(by_hand: ByHand, bad: str) -> None:
    changes, reason = BAD[bad]
    assert by_hand.post(by_hand.token(**changes)) == (400, reason)
    assert is_in(by_hand.laptop)
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize(
    ("forgery", "reason"),
    [
        ("nothing", "malformed"),
        ("noise", "malformed"),
        ("a deep well", "malformed"),
        ("a megabyte", "too_large"),
        ("nobody's signature", "algorithm"),
        ("HS256 with the public key", "algorithm"),
        ("another key", "signature"),
        ("another body", "signature"),
    ],
)
def test_a_token_nobody_signed_ends_nothing(by_hand: ByHand, forgery: str, reason: str) -> None:
    def part(value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    good = by_hand.token()
    head, _body, signature = good.split(".")
    forged = {
        "nothing": "",
        "noise": "a.b.c",
        "a deep well": f"{head}.{part('[' * 9000)}.{signature}",
        "a megabyte": good + "A" * 1024 * 1024,
        "nobody's signature": f"{part({'alg': 'none', 'kid': 'k'})}.{part(by_hand.said())}.",
        "HS256 with the public key": by_hand.token(key="n" * 40, algorithm="HS256"),
        "another key": by_hand.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "another body": f"{head}.{part(by_hand.said(sub='nia-2'))}.{signature}",
    }
    assert by_hand.post(forged[forgery]) == (400, reason)
    assert is_in(by_hand.laptop)


def test_a_token_counts_once_and_one_that_was_refused_spends_nothing(by_hand: ByHand) -> None:
    good = by_hand.token(sub="somebody-else", jti="one")
    assert by_hand.post(by_hand.token(jti="one", nonce="n"))[0] == 400
    assert by_hand.post(good)[0] == 200
    assert by_hand.post(by_hand.token(jti="one")) == (400, "replay")
    assert is_in(by_hand.laptop)


def test_the_address_is_one_of_the_canonical_host_and_of_openid_connect(
    by_hand: ByHand, saml: Callable[..., IdentityProvider], other_tenant: TenantRef
) -> None:
    path = f"/sso/{by_hand.provider.pk}/backchannel/"
    assert window(by_hand.host).get(path).status_code == 405
    assert window("elsewhere.localhost").post(path).status_code == 404
    assert window(f"{other_tenant.slug}.localhost").post(path).status_code in {400, 404}
    other = window(by_hand.host).post(f"/sso/{saml().pk}/backchannel/", {"logout_token": by_hand.token()})
    assert (other.status_code, last_entry()[1]) == (400, "not_offered")


def test_the_set_up_page_and_the_api_show_where_to(by_hand: ByHand, admin: UserActor) -> None:
    address = f"http://{by_hand.host}/sso/{by_hand.provider.pk}/backchannel/"
    client = signed_in_client(by_hand.host, admin)
    page = client.get(f"/settings/sign-in/{by_hand.provider.pk}/").content.decode()
    assert address in page
    assert "backchannel_logout_session_required" in page
    shown = client.get(f"/api/v1/identity-providers/{by_hand.provider.pk}/").json()["our_addresses"]
    assert shown["backchannel_logout_uri"] == address
    google = services.create_provider(preset="google", name="Workspace", actor=admin)
    assert "Back-channel" not in client.get(f"/settings/sign-in/{google.pk}/").content.decode()
