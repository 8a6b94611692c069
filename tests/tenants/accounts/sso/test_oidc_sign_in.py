"""Signing in through an OpenID Connect provider nobody here wrote: oidc-provider."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.accounts.models import EmailDomain, ExternalIdentity, IdentityProvider, User
from tenants.accounts.sso import services
from tenants.accounts.sso.oidc import discovery, flow, tokens
from tenants.accounts.sso.reasons import SsoRefused
from tenants.tenancy import TenantRef, tenant_scope
from tests.sso_servers.openid import SECRET, OidcServer
from tests.sso_servers.starting import Browser
from tests.tenants.accounts.sso.conftest import changed, switched_on
from tests.tenants.accounts.sso.test_saml_sign_in import last_entry

pytestmark = pytest.mark.xdist_group("sso_servers")


@pytest.fixture
def server(tmp_path: Any) -> Iterator[OidcServer]:
    running_server = OidcServer(tmp_path)
    yield running_server
    running_server.stop()


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


@pytest.fixture
def oidc(
    server: OidcServer, admin: UserActor, verified_domain: EmailDomain, host: str
) -> Callable[[], IdentityProvider]:
    """Sets a provider up with a running server behind it."""

    def set_up() -> IdentityProvider:
        cache.clear()
        provider = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
        issuer = server.start(
            f"http://{host}/sso/{provider.pk}/callback/",
            post_logout_redirect_uris=[f"http://{host}/account/sign-in/"],
        )
        values = {"issuer": issuer, "client_id": "nts"}
        change = services.ProviderChange(values=values, client_secret=SECRET)
        return switched_on(changed(provider, change, admin))

    return set_up


def back_from(client: Client, server: OidcServer, provider: IdentityProvider, who: str) -> str:
    """Go there as ``who``; return the path with the answer."""
    start = client.get(f"/sso/{provider.pk}/start/?hint={who}@x")
    assert start.status_code == 302, last_entry()
    parts = urlsplit(server.sign_in(start["Location"]))
    return f"{parts.path}?{parts.query}"


def test_the_whole_way_with_pkce_nonce_and_state(
    server: OidcServer, oidc: Callable[[], IdentityProvider], client: Client
) -> None:
    provider = oidc()
    asked = parse_qs(urlsplit(client.get(f"/sso/{provider.pk}/start/")["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 43
    assert len(asked["nonce"][0]) >= 43
    answer = client.get(back_from(client, server, provider, "olga"))
    assert answer.status_code == 302, last_entry()
    assert client.get(answer["Location"]).status_code == 302, last_entry()
    user = User.objects.get(email="olga@people.example")
    identity = ExternalIdentity.objects.get(user=user)
    assert (identity.subject, identity.groups, user.name) == ("olga", ["Makers"], "Olga Oidc-Example")

    # Somebody else of the provider with the same address is nobody here, nor is who has none of the company's.
    for who, reason in (
        ("mallory", "email_taken"), ("unsure", "email_unverified"), ("stranger", "email_domain"),
        ("silent", "email_missing"),
    ):  # fmt: skip
        other = Client(headers=client.headers if hasattr(client, "headers") else {})
        other.defaults.update(client.defaults)
        finish = other.get(back_from(other, server, provider, who))
        assert other.get(finish["Location"]).status_code == 400
        assert last_entry()[1] == reason, last_entry()

    # The answer itself, bent on its way.
    for change, reason in (
        ({"iss": "https://evil.example"}, "issuer"), ({"iss": None}, "issuer"), ({"code": "no code"}, "token_refused"),
        ({"code": None}, "malformed"), ({"state": "x"}, "unknown_state"),
        ({"error": "access_denied"}, "provider_error"),
    ):  # fmt: skip
        parts = urlsplit(back_from(client, server, provider, "olga"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | change
        address = (
            f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}"
        )
        assert client.get(address).status_code == 400
        assert last_entry()[1] == reason, (change, last_entry())

    # Another browser than the one that began, and a code without its verifier.
    stolen = back_from(client, server, provider, "olga")
    thief = Client()
    thief.defaults.update(client.defaults)
    assert thief.get(stolen).status_code == 400
    assert last_entry()[1] == "other_browser"


def test_signing_out_here_offers_the_providers_own_sign_out(
    server: OidcServer, oidc: Callable[[], IdentityProvider], client: Client, host: str
) -> None:
    provider = oidc()
    client.get(client.get(back_from(client, server, provider, "olga"))["Location"])
    page = client.post("/account/sign-out/").content.decode()
    assert "_auth_user_id" not in client.session
    assert f"/sso/{provider.pk}/sign-out/" in page
    there = client.get(f"/sso/{provider.pk}/sign-out/")
    assert (there.status_code, there["Location"].startswith(server.issuer)) == (302, True)
    asked = parse_qs(urlsplit(there["Location"]).query)
    assert asked == {"client_id": ["nts"], "post_logout_redirect_uri": [f"http://{host}/account/sign-in/"]}
    # The provider knows both: it asks whether one means it, in place of an error.
    status, body, _ = Browser(server.issuer).open(there["Location"])
    assert (status, "logout" in body.lower()) == (200, True), body[:500]
    IdentityProvider.objects.update(state="draft")
    assert client.get(f"/sso/{provider.pk}/sign-out/").status_code == 400
    assert last_entry()[1] == "not_offered"


def test_discovery_of_another_issuer_is_refused(
    server: OidcServer, oidc: Callable[[], IdentityProvider], client: Client
) -> None:
    provider = oidc()
    IdentityProvider.objects.update(issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    assert client.get(f"/sso/{provider.pk}/start/").status_code == 400
    assert last_entry()[1] == "discovery"


def test_what_one_company_discovered_is_not_another_companys(
    tenant: TenantRef, other_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    asked = []

    def document(url: str, *, is_awaited: bool) -> dict[str, Any]:
        asked.append(url)
        base = "https://op.example"
        return {"issuer": base, "authorization_endpoint": f"{base}/a", "token_endpoint": f"{base}/t",
                "jwks_uri": f"{base}/j"}  # fmt: skip

    monkeypatch.setattr(discovery, "_document", document)
    for ref in (tenant, tenant, other_tenant):
        with tenant_scope(ref):
            if ref == other_tenant:
                cache.clear()
            assert discovery.discover("https://op.example").token == "https://op.example/t"
    assert len(asked) == 2


@pytest.fixture
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


BASE = "https://op.example"
ENDPOINTS = discovery.Endpoints(BASE, f"{BASE}/a", f"{BASE}/t", f"{BASE}/j", "", names_itself=True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"aud": "another"}, "audience"),
        ({"aud": ["nts", "another"]}, "audience"),
        ({"aud": ["nts", "another"], "azp": "another"}, "audience"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"exp": 1}, "expired"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "id_token"),
        ({"sub": ""}, "subject"),
        ({"sub": None}, "id_token"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    tenant: TenantRef,
    key: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    reason: str,
) -> None:
    provider = IdentityProvider(kind="oidc", preset="oidc", issuer="https://op.example", client_id="nts")
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k", "use": "sig"}
    monkeypatch.setattr(tokens, "signing_keys", lambda *_args, **_options: [public])
    said = {
        "iss": "https://op.example", "sub": "s", "aud": "nts", "iat": 1_700_000_000, "exp": 4_000_000_000,
        "nonce": flow.nonce_of("state"),
    } | change  # fmt: skip
    token = jwt.encode(
        {name: value for name, value in said.items() if value is not None}, key, "RS256", headers={"kid": "k"}
    )
    with pytest.raises(SsoRefused) as refused:
        flow._believed(provider, ENDPOINTS, {"id_token": token}, "state", names_itself=True)
    assert refused.value.reason == reason


@pytest.mark.parametrize("kind", ["none", "HS256 with the public key", "another key", "no token", "noise"])
def test_a_token_nobody_signed_is_refused(
    tenant: TenantRef, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    provider = IdentityProvider(kind="oidc", preset="oidc", issuer="https://op.example", client_id="nts")
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    monkeypatch.setattr(tokens, "signing_keys", lambda *_args, **_options: [public])
    said = {"iss": "https://op.example", "sub": "s", "aud": "nts", "iat": 1, "exp": 4_000_000_000,
            "nonce": flow.nonce_of("state")}  # fmt: skip
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    forged: dict[str, Any] = {
        "none": {"id_token": f"{header}.{body}."},
        "HS256 with the public key": {
            "id_token": jwt.encode(said, public["n"], "HS256", headers={"kid": "k"}),
        },
        "another key": {"id_token": jwt.encode(said, other, "RS256", headers={"kid": "k"})},
        "no token": {},
        "noise": {"id_token": "a.b.c"},
    }
    with pytest.raises(SsoRefused) as refused:
        flow._believed(provider, ENDPOINTS, forged[kind], "state", names_itself=True)
    assert refused.value.reason in {"algorithm", "signature", "id_token"}
