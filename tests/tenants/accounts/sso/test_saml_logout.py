"""Single logout with saml-idp, both ways, and requests that end nothing."""

import base64
import zlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from tenants.accounts.models import IdentityProvider, SsoLogEntry, SsoSession
from tests.sso_servers.starting import Browser, SamlIdp
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
    posted = saml_server.sign_in(start["Location"], browser=there, **NIA)
    client.get(client.post(f"/sso/{provider.pk}/acs/", posted)["Location"])
    assert is_signed_in(client)
    assert SsoSession.objects.get().session_index
    return provider


def is_signed_in(client: Client) -> bool:
    return client.get("/settings/preferences/").status_code == 200


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def leaves_there(browser: Browser, path: str) -> str:
    """Follow the provider's own redirects; return the address at which the browser leaves it."""
    status, body, address = browser.open(path)
    while address.startswith(("/", browser.base)):
        status, body, address = browser.open(address)
    assert status == 302, body[body.find("<h1>") :][:900]
    return address


def last_reason() -> str:
    entry = SsoLogEntry.objects.filter(outcome="refused").first()
    return entry.reason if entry else ""


def test_signing_out_there_ends_the_session_here(
    provider: IdentityProvider, client: Client, there: Browser
) -> None:
    asked = leaves_there(there, "/signout")
    assert "SAMLRequest" in asked
    answer = client.get(path_of(asked))
    assert answer.status_code == 302, last_reason()
    assert "SAMLResponse" in answer["Location"]
    assert "Signature" in answer["Location"]
    assert not is_signed_in(client)
    assert SsoLogEntry.objects.filter(event="logout", outcome="accepted").count() == 1
    # The same request once more.
    assert client.get(path_of(asked)).status_code == 400
    assert last_reason() == "replay"


def test_signing_out_here_leads_to_the_providers_sign_out_and_back(
    provider: IdentityProvider, client: Client, there: Browser
) -> None:
    page = client.post("/account/sign-out/").content.decode()
    assert not is_signed_in(client)
    address = page.partition('class="button primary large" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "SAMLRequest" in address
    assert "Signature" in address
    answered = leaves_there(there, address)
    back = client.get(path_of(answered))
    assert (back.status_code, back["Location"]) == (302, "/account/sign-in/"), last_reason()


@pytest.mark.parametrize(
    ("bend", "reason"),
    [
        ("no signature", "message_unsigned"),
        ("SHA-1", "algorithm"),
        ("another name", "signature"),
        ("another RelayState", "signature"),
        ("a bomb", "too_large"),
        ("noise", "malformed"),
        ("nothing", "malformed"),
    ],
)
def test_a_bent_request_ends_nothing(
    provider: IdentityProvider, client: Client, there: Browser, bend: str, reason: str
) -> None:
    parts = urlsplit(leaves_there(there, "/signout"))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    xml = zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15)
    if bend == "no signature":
        query.pop("Signature")
    elif bend == "SHA-1":
        query["SigAlg"] = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    elif bend == "another RelayState":
        query["RelayState"] = "another"
    elif bend == "another name":
        query["SAMLRequest"] = deflated(xml.replace(b"nia-1", b"nia-2"))
    elif bend == "a bomb":
        query["SAMLRequest"] = deflated(b"<a>" + b" " * 5_000_000 + b"</a>")
    else:
        query["SAMLRequest"] = "%%%" if bend == "noise" else ""
    assert client.get(f"{parts.path}?{urlencode(query)}").status_code == 400
    assert last_reason() == reason
    assert is_signed_in(client)


def deflated(xml: bytes) -> str:
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(xml) + packer.flush()).decode()
