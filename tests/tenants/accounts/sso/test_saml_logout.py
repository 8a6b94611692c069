"""Single logout with saml-idp, both ways, and requests that end nothing."""

import base64
import html
import zlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

from tenants.accounts.models import IdentityProvider, SsoLogEntry, SsoSession
from tests.sso_servers.starting import Browser, SamlIdp, hidden_fields
from tests.tenants.accounts.sso.test_saml_sign_in import NIA

pytestmark = pytest.mark.xdist_group("sso_servers")


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


@pytest.fixture
def there(saml_server: SamlIdp) -> Browser:
    """The browser's side at the provider: one session from sign-in to sign-out."""
    return Browser(saml_server.base)


@pytest.fixture
def provider(
    saml_server: SamlIdp, saml: Callable[..., IdentityProvider], client: Client, there: Browser
) -> IdentityProvider:
    """A provider by which somebody is signed in."""
    provider = saml(saml_server)
    start = client.get(f"/sso/{provider.pk}/start/")
    posted = saml_server.sign_in(start["Location"], NIA, browser=there)
    client.get(client.post(f"/sso/{provider.pk}/acs/", posted)["Location"])
    assert is_signed_in(client)
    assert SsoSession.objects.get().session_index
    return provider


def is_signed_in(client: Client) -> bool:
    return client.get("/settings/preferences/").status_code == 200


def leaves_there(browser: Browser, path: str) -> tuple[str, dict[str, str]]:
    """Follow the provider's own redirects; return where it has the browser post what."""
    status, body, address = browser.open(path)
    while address.startswith(("/", browser.base)):
        status, body, address = browser.open(address)
    fields = hidden_fields(body)
    assert status == 200, (status, address)
    assert fields, body[-900:]
    return urlsplit(html.unescape(body.partition('action="')[2].partition('"')[0])).path, fields


def last_reason() -> str:
    entry = SsoLogEntry.objects.filter(outcome="refused").first()
    return entry.reason if entry else ""


def test_signing_out_there_ends_the_session_here(
    provider: IdentityProvider, client: Client, there: Browser, host: str
) -> None:
    path, fields = leaves_there(there, "/signout")
    # The provider's page posts from another site: no cookie comes along.
    without_cookies = Client(headers={"host": host})
    answer = without_cookies.post(path, fields)
    assert answer.status_code == 303, last_reason()
    assert "SAMLResponse" in answer["Location"]
    assert "Signature" in answer["Location"]
    assert not is_signed_in(client)
    assert SsoLogEntry.objects.filter(event="logout", outcome="accepted").count() == 1
    # The same request once more.
    assert without_cookies.post(path, fields).status_code == 400
    assert last_reason() == "replay"


def test_signing_out_here_leads_to_the_providers_sign_out_and_back(
    provider: IdentityProvider, client: Client, there: Browser
) -> None:
    page = client.post("/account/sign-out/").content.decode()
    assert not is_signed_in(client)
    address = html.unescape(page.partition('class="button primary large" href="')[2].partition('"')[0])
    assert {"SAMLRequest", "Signature", "RelayState"} <= set(parse_qs(urlsplit(address).query))
    path, fields = leaves_there(there, address)
    back = client.post(path, fields)
    assert (back.status_code, back["Location"]) == (303, "/account/sign-in/"), last_reason()
    assert client.post(path, fields | {"RelayState": "another"}).status_code == 400
    assert last_reason() == "in_response_to"


@pytest.mark.parametrize(
    ("bend", "reason"),
    [
        ("no signature", "message_unsigned"),
        ("SHA-1", "algorithm"),
        ("another name", "signature"),
        ("another Destination", "signature"),
        ("a document type", "dtd"),
        ("noise", "malformed"),
        ("nothing", "malformed"),
        ("an answer in place of a request", "malformed"),
    ],
)
def test_a_bent_request_ends_nothing(
    provider: IdentityProvider, client: Client, there: Browser, bend: str, reason: str
) -> None:
    path, fields = leaves_there(there, "/signout")
    root = etree.fromstring(base64.b64decode(fields["SAMLRequest"]))
    if bend == "no signature":
        root.remove(root.find("ds:Signature", Constants.NSMAP))
    elif bend == "SHA-1":
        method = root.find(".//ds:SignatureMethod", Constants.NSMAP)
        method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    elif bend == "another name":
        root.find("saml:NameID", Constants.NSMAP).text = "nia-2"
    elif bend == "another Destination":
        root.set("Destination", "https://evil.example/")
    sent = etree.tostring(root)
    if bend == "a document type":
        sent = b"<!DOCTYPE a>" + sent
    fields["SAMLRequest"] = base64.b64encode(sent).decode()
    if bend in {"noise", "nothing"}:
        fields["SAMLRequest"] = "%%%" if bend == "noise" else ""
    if bend == "an answer in place of a request":
        fields = {"SAMLResponse": fields.pop("SAMLRequest")}
    assert client.post(path, fields).status_code == 400
    assert last_reason() == reason
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "message_unsigned"),
        ({"SigAlg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "Signature": "eA=="}, "algorithm"),
        ({"SigAlg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "Signature": "eA=="}, "signature"),
    ],
)
def test_a_link_alone_signs_nobody_out(
    provider: IdentityProvider, client: Client, there: Browser, query: dict[str, str], reason: str
) -> None:
    path, fields = leaves_there(there, "/signout")
    packed = deflated(base64.b64decode(fields["SAMLRequest"]))
    assert client.get(path, {"SAMLRequest": packed, **query}).status_code == 400
    assert last_reason() == reason
    assert is_signed_in(client)


def test_a_message_that_unpacks_without_end_is_cut_off(provider: IdentityProvider, client: Client) -> None:
    bomb = deflated(b"<a>" + b" " * 5_000_000 + b"</a>")
    assert client.get(f"/sso/{provider.pk}/slo/", {"SAMLRequest": bomb}).status_code == 400
    assert last_reason() == "too_large"


def deflated(xml: bytes) -> str:
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(xml) + packer.flush()).decode()
