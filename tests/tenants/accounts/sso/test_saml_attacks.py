"""Responses of saml-idp, forged on their way: each is refused, and the log says why."""

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

from tenants.accounts.models import IdentityProvider, User
from tests.sso_servers.starting import SamlIdp
from tests.tenants.accounts.sso.conftest import key_pair
from tests.tenants.accounts.sso.forging import (
    ATTACKS,
    PLAIN,
    no_message_signature,
    opened,
    other_destination,
)
from tests.tenants.accounts.sso.test_saml_sign_in import encrypt, last_entry, posted_by

pytestmark = pytest.mark.xdist_group("sso_servers")


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


def answer_to(client: Client, provider: IdentityProvider, fields: dict[str, str]) -> tuple[int, str]:
    """(status, reason in the log); the page never says the reason."""
    answer = client.post(f"/sso/{provider.pk}/acs/", fields)
    outcome, reason, detail = last_entry()
    if answer.status_code != 303:
        assert outcome == "refused"
        assert detail not in answer.content.decode()
    return answer.status_code, reason


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_forged_response_is_refused_with_its_reason(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, name: str
) -> None:
    provider = saml(saml_server)
    post = opened(posted_by(client, saml_server, provider))
    forge, reasons = ATTACKS[name]
    forge(post)
    status, reason = answer_to(client, provider, post.sent())
    assert (status, reason in reasons) == (400, True), (reason, last_entry())
    assert not User.objects.filter(email__endswith="@people.example").exists()


@pytest.mark.parametrize(
    "name", ["plain beside encrypted", "plain before encrypted", "XSW1", "another Destination"]
)
def test_an_encrypted_assertion_hides_no_forgery(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, name: str
) -> None:
    provider = saml(saml_server)
    encrypt(saml_server)
    post = opened(posted_by(client, saml_server, provider))
    if name == "plain beside encrypted":
        post.root.append(copy.deepcopy(PLAIN))
    elif name == "plain before encrypted":
        post.root.insert(0, copy.deepcopy(PLAIN))
    elif name == "XSW1":
        genuine = copy.deepcopy(post.root)
        post.root.append(genuine)
    else:
        other_destination(post)
    status, reason = answer_to(client, provider, post.sent())
    assert (status, reason) == (400, "signature" if "Destination" in name else "assertions")


def test_a_ciphertext_without_a_signature_around_it_is_never_decrypted(
    saml_server: SamlIdp,
    saml: Callable[..., IdentityProvider],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = saml(saml_server)
    encrypt(saml_server)
    post = opened(posted_by(client, saml_server, provider))
    no_message_signature(post)

    def decrypts(*_: object, **__: object) -> None:
        raise AssertionError("It was decrypted.")

    monkeypatch.setattr("onelogin.saml2.utils.OneLogin_Saml2_Utils.decrypt_element", decrypts)
    assert answer_to(client, provider, post.sent()) == (400, "message_unsigned")


GENUINE_BUT_WRONG: dict[str, tuple[dict[str, object], str]] = {
    "an assertion for an hour": ({"lifetimeInSeconds": 3600}, "lifetime"),
    "the response unsigned": ({"signResponse": False}, "message_unsigned"),
    "signed with SHA-1": ({"signatureAlgorithm": "rsa-sha1", "digestAlgorithm": "sha1"}, "algorithm"),
    "another audience": ({"audience": "https://other.example/metadata"}, "audience"),
    "another issuer": ({"issuer": "https://other.example/"}, "issuer"),
    "another Recipient": ({"recipient": "https://evil.example/?x="}, "recipient"),
}


@pytest.mark.parametrize("name", list(GENUINE_BUT_WRONG))
def test_what_the_provider_itself_does_wrong_is_refused_with_its_reason(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, name: str
) -> None:
    provider = saml(saml_server)
    options, reason = GENUINE_BUT_WRONG[name]
    # What the request names would be taken in place of the settings.
    saml_server.set(allowRequestAcsUrl=False, **options)
    try:
        assert answer_to(client, provider, posted_by(client, saml_server, provider)) == (400, reason), (
            last_entry()
        )
    finally:
        saml_server.set(allowRequestAcsUrl=True)


def test_a_transient_name_is_nobody(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    person = {"userName": "n", "email": "n@people.example", "nameIdFormat": Constants.NAMEID_TRANSIENT}
    assert answer_to(client, provider, posted_by(client, saml_server, provider, **person)) == (400, "name_id")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed"),
        ("%%%", "malformed"),
        (base64.b64encode(b"<a>").decode(), "malformed"),
        (base64.b64encode(b"not xml").decode(), "malformed"),
        (base64.b64encode(b"<a>\0</a>").decode(), "malformed"),
        (
            base64.b64encode(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>').decode(),
            "dtd",
        ),
        (base64.b64encode(b"<!doctype a><a/>").decode(), "dtd"),
        (base64.b64encode("<!DOCTYPE a><a/>".encode("utf-16")).decode(), "malformed"),
        (base64.b64encode(b"<a>" + b"x" * 300_000 + b"</a>").decode(), "too_large"),
        ("A" * 400_000, "too_large"),
    ],
)
def test_what_is_no_response_is_refused(
    saml: Callable[..., IdentityProvider], client: Client, text: str, reason: str
) -> None:
    provider = saml()
    assert answer_to(client, provider, {"SAMLResponse": text, "RelayState": "x"}) == (400, reason)


def test_a_certificate_that_has_run_out_opens_nothing(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, tmp_path: Path
) -> None:
    provider = saml(saml_server)
    posted = posted_by(client, saml_server, provider)
    _key, certificate = key_pair(tmp_path, "old", days=0)
    IdentityProvider.objects.update(certificates=[certificate.read_text()])
    assert answer_to(client, provider, posted) == (400, "certificate")


def test_the_response_of_one_provider_is_nothing_at_another(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client
) -> None:
    provider = saml(saml_server)
    posted = posted_by(client, saml_server, provider)
    other = saml()
    assert answer_to(client, other, posted) == (400, "unknown_state")


def test_our_addresses_exist_on_the_canonical_host_only(
    saml: Callable[..., IdentityProvider], client: Client, host: str
) -> None:
    provider = saml()
    assert client.get(f"/sso/{provider.pk}/metadata/").status_code == 200
    elsewhere = Client(headers={"host": host.replace(":8000", ":9999")})
    for path in ("metadata", "callback", "slo"):
        assert elsewhere.get(f"/sso/{provider.pk}/{path}/").status_code == 404
    # A sign-in that begins elsewhere is led to the one host that speaks with providers.
    led = elsewhere.get(f"/sso/{provider.pk}/start/")
    assert (led.status_code, urlsplit(led["Location"]).netloc) == (302, host)
    assert elsewhere.post(f"/sso/{provider.pk}/acs/").status_code == 404
