"""A SAML provider made by hand: it signs whatever a test wants it to say, as a careless or hostile provider would."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from tenants.accounts.models import IdentityProvider, PendingSignIn
from tenants.accounts.sso.addresses import acs_url, entity_id, slo_url

NAMES: Final = Constants.NSMAP
type Change = Callable[[Any], None]


def moment(minutes: float) -> str:
    """A time so many minutes from now, as SAML writes it."""
    return f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class ProviderByHand:
    """Speaks for one provider of a test, with its key."""

    row: IdentityProvider
    keys: tuple[Path, Path]
    said: int = field(default=0)

    def asked(self, client: Client) -> tuple[str, str]:
        """Begin a sign-in; return the request's id and the state that goes along."""
        start = client.get(f"/sso/{self.row.pk}/start/")
        assert start.status_code == 302, start.content
        state = parse_qs(urlsplit(start["Location"]).query)["RelayState"][0]
        return PendingSignIn.objects.latest("created_at").request_id, state

    def response(self, request_id: str, subject: str = "nia-1") -> Any:
        """A response as it should be, unsigned."""
        self.said += 1
        answers = f'InResponseTo="{request_id}"' if request_id else ""
        return etree.fromstring(
            f'<samlp:Response xmlns:samlp="{NAMES["samlp"]}" xmlns:saml="{NAMES["saml"]}" ID="_r{self.said}"'
            f' Version="2.0" IssueInstant="{moment(0)}" Destination="{acs_url(self.row)}" {answers}>'
            f"<saml:Issuer>{self.row.issuer}</saml:Issuer>"
            f'<samlp:Status><samlp:StatusCode Value="{Constants.STATUS_SUCCESS}"/></samlp:Status>'
            f'<saml:Assertion ID="_a{self.said}" Version="2.0" IssueInstant="{moment(0)}">'
            f"<saml:Issuer>{self.row.issuer}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{Constants.NAMEID_PERSISTENT}">{subject}</saml:NameID>'
            f'<saml:SubjectConfirmation Method="{Constants.CM_BEARER}"><saml:SubjectConfirmationData'
            f' NotOnOrAfter="{moment(5)}" Recipient="{acs_url(self.row)}" {answers}/></saml:SubjectConfirmation>'
            f'</saml:Subject><saml:Conditions NotBefore="{moment(-1)}" NotOnOrAfter="{moment(5)}">'
            f"<saml:AudienceRestriction><saml:Audience>{entity_id(self.row)}</saml:Audience>"
            f'</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{moment(0)}"'
            f' SessionIndex="_s{self.said}"><saml:AuthnContext><saml:AuthnContextClassRef>{Constants.AC_PASSWORD}'
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>"
            '<saml:Attribute Name="email"><saml:AttributeValue>nia@people.example</saml:AttributeValue>'
            "</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"
        )

    def signed(self, element: Any) -> Any:
        """The element with a signature over all of it, made with the provider's key."""
        key, certificate = (path.read_text() for path in self.keys)
        made = Utils.add_sign(
            etree.tostring(element), key, certificate, sign_algorithm=Constants.RSA_SHA256,
            digest_algorithm=Constants.SHA256,
        )  # fmt: skip
        return etree.fromstring(made)

    def post(
        self,
        client: Client,
        change: Change | None = None,
        *,
        signs_assertion: bool = True,
        afterwards: Change | None = None,
    ) -> Any:
        """Say what `change` made of a response, signed; `afterwards` is what somebody on the way does to it."""
        request_id, state = self.asked(client)
        root = self.response(request_id)
        if change is not None:
            change(root)
        assertion = root.find("saml:Assertion", NAMES)
        if signs_assertion and assertion is not None:
            root.replace(assertion, self.signed(assertion))
        root = self.signed(root)
        if afterwards is not None:
            afterwards(root)
        return self.send(client, root, state)

    def send(self, client: Client, root: Any, state: str = "") -> Any:
        """Post a response as it is."""
        text = base64.b64encode(etree.tostring(root)).decode()
        return client.post(f"/sso/{self.row.pk}/acs/", {"SAMLResponse": text, "RelayState": state})

    def logout_request(self, name: str) -> dict[str, str]:
        """A signed request to end somebody's sessions; "" names nobody."""
        who = f"<saml:NameID>{name}</saml:NameID>" if name else ""
        root = etree.fromstring(
            f'<samlp:LogoutRequest xmlns:samlp="{NAMES["samlp"]}" xmlns:saml="{NAMES["saml"]}" ID="_l1"'
            f' Version="2.0" IssueInstant="{moment(0)}" Destination="{slo_url(self.row)}">'
            f"<saml:Issuer>{self.row.issuer}</saml:Issuer>{who}</samlp:LogoutRequest>"
        )
        return {"SAMLRequest": base64.b64encode(etree.tostring(self.signed(root))).decode()}
