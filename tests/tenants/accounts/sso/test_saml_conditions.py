"""Responses that are signed as they should be and yet say what must not be believed: each has its own reason."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from tenants.accounts.models import ExternalIdentity, IdentityProvider, SsoLogEntry, User
from tenants.accounts.sso.reasons import Reason
from tests.tenants.accounts.sso.provider_by_hand import NAMES, ProviderByHand, moment
from tests.tenants.accounts.sso.test_saml_sign_in import last_entry

DATA = "saml:Assertion/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
CONDITIONS = "saml:Assertion/saml:Conditions"
STATEMENT = "saml:Assertion/saml:AuthnStatement"
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"


@pytest.fixture
def client(host: str) -> Client:
    return Client(headers={"host": host})


@pytest.fixture
def there(saml: Callable[..., IdentityProvider], idp_keys: tuple[Path, Path]) -> ProviderByHand:
    return ProviderByHand(saml(), idp_keys)


type Change = Callable[[Any], None]


def sets(path: str, name: str, value: str | int | None) -> Change:
    """Set an attribute, to a time when it is a number of minutes from then on; None takes it off."""

    def change(root: Any) -> None:
        element = root.find(path, NAMES) if path else root
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, moment(value) if isinstance(value, int) else value)

    return change


def removes(path: str) -> Change:
    def change(root: Any) -> None:
        element = root.find(path, NAMES)
        element.getparent().remove(element)

    return change


def doubles(path: str) -> Change:
    def change(root: Any) -> None:
        element = root.find(path, NAMES)
        element.addnext(copy.deepcopy(element))

    return change


def longer(path: str, name: str) -> Change:
    """Put our own value behind another address: a search for ours would find it."""

    def change(root: Any) -> None:
        element = root.find(path, NAMES) if path else root
        element.set(name, f"https://evil.example/?x={element.get(name)}")

    return change


def says(path: str, text: str) -> Change:
    def change(root: Any) -> None:
        root.find(path, NAMES).text = text

    return change


def another_audience(root: Any) -> None:
    restriction = root.find(f"{CONDITIONS}/saml:AudienceRestriction", NAMES)
    etree.SubElement(restriction, f"{{{NAMES['saml']}}}Audience").text = "https://other.example/"


def bogus_element(root: Any) -> None:
    etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}Bogus")


def encrypted(block: str, transport: str) -> Change:
    """An assertion in a cipher of their choice; nobody can read what is in it."""

    def change(root: Any) -> None:
        noise = "A" * 32
        cipher = f"<xenc:CipherData><xenc:CipherValue>{noise}</xenc:CipherValue></xenc:CipherData>"
        root.replace(
            root.find("saml:Assertion", NAMES),
            etree.fromstring(
                f'<saml:EncryptedAssertion xmlns:saml="{NAMES["saml"]}" xmlns:xenc="{XENC}"'
                f' xmlns:ds="{NAMES["ds"]}"><xenc:EncryptedData Type="{XENC}Element">'
                f'<xenc:EncryptionMethod Algorithm="{block}"/><ds:KeyInfo><xenc:EncryptedKey>'
                f'<xenc:EncryptionMethod Algorithm="{transport}"/>{cipher}</xenc:EncryptedKey></ds:KeyInfo>'
                f"{cipher}</xenc:EncryptedData></saml:EncryptedAssertion>"
            ),
        )

    return change


OAEP = f"{XENC}rsa-oaep-mgf1p"
CASES: dict[str, tuple[Change, Reason]] = {
    "a Destination that contains ours": (longer("", "Destination"), Reason.DESTINATION),
    "no Destination": (sets("", "Destination", None), Reason.DESTINATION),
    "a Recipient that contains ours": (longer(DATA, "Recipient"), Reason.RECIPIENT),
    "no Recipient": (sets(DATA, "Recipient", None), Reason.RECIPIENT),
    "two confirmations": (
        doubles("saml:Assertion/saml:Subject/saml:SubjectConfirmation"), Reason.RECIPIENT,
    ),
    "no bearer": (
        sets("saml:Assertion/saml:Subject/saml:SubjectConfirmation", "Method", "urn:other"), Reason.RECIPIENT,
    ),
    "no NotOnOrAfter for the subject": (sets(DATA, "NotOnOrAfter", None), Reason.EXPIRY),
    "no NotOnOrAfter of the conditions": (sets(CONDITIONS, "NotOnOrAfter", None), Reason.EXPIRY),
    "the subject's time is over": (sets(DATA, "NotOnOrAfter", -3), Reason.EXPIRED),
    "the conditions' time is over": (sets(CONDITIONS, "NotOnOrAfter", -3), Reason.EXPIRED),
    "more than ten minutes": (sets(DATA, "NotOnOrAfter", 20), Reason.LIFETIME),
    "the subject's time is to come": (sets(DATA, "NotBefore", 4), Reason.TOO_EARLY),
    "the conditions' time is to come": (sets(CONDITIONS, "NotBefore", 4), Reason.TOO_EARLY),
    "a time that is none": (sets(DATA, "NotOnOrAfter", "soon"), Reason.MALFORMED),
    "no conditions": (removes(CONDITIONS), Reason.AUDIENCE),
    "no audience": (removes(f"{CONDITIONS}/saml:AudienceRestriction"), Reason.AUDIENCE),
    "an audience beside ours": (
        another_audience,
        Reason.AUDIENCE,
    ),
    "the answer to another request outside": (sets("", "InResponseTo", "_other"), Reason.IN_RESPONSE_TO),
    "the answer to another request inside": (sets(DATA, "InResponseTo", "_other"), Reason.IN_RESPONSE_TO),
    "InResponseTo only outside": (sets(DATA, "InResponseTo", None), Reason.IN_RESPONSE_TO),
    "InResponseTo only inside": (sets("", "InResponseTo", None), Reason.UNSOLICITED),
    "another issuer inside": (says("saml:Assertion/saml:Issuer", "https://other.example/"), Reason.ISSUER),
    "no statement": (removes(STATEMENT), Reason.AUTHN_STATEMENT),
    "two statements": (doubles(STATEMENT), Reason.AUTHN_STATEMENT),
    "no name": (removes("saml:Assertion/saml:Subject/saml:NameID"), Reason.NAME_ID),
    "an empty name": (says("saml:Assertion/saml:Subject/saml:NameID", " "), Reason.NAME_ID),
    "a name without end": (says("saml:Assertion/saml:Subject/saml:NameID", "n" * 600), Reason.NAME_ID),
    "SAML 1.1": (sets("", "Version", "1.1"), Reason.MALFORMED),
    "an element SAML does not know": (bogus_element, Reason.SCHEMA),
    "triple DES": (encrypted(f"{XENC}tripledes-cbc", OAEP), Reason.ENCRYPTION),
    "a key by RSA 1.5": (encrypted(f"{XENC11}aes256-gcm", f"{XENC}rsa-1_5"), Reason.ENCRYPTION),
    "for somebody else's key": (encrypted(f"{XENC11}aes256-gcm", OAEP), Reason.DECRYPTION),
    "CBC for somebody else's key": (encrypted(f"{XENC}aes256-cbc", OAEP), Reason.DECRYPTION),
}  # fmt: skip


def refused(answer: Any) -> tuple[int, str]:
    """(status, reason in the log), and the page is the same for every reason."""
    _outcome, reason, detail = last_entry()
    page = answer.content.decode()
    assert detail not in page
    assert "The sign-in did not work" in page
    assert not User.objects.filter(email="nia@people.example").exists()
    return answer.status_code, reason


def test_what_this_provider_says_is_believed_when_all_is_as_it_should_be(
    there: ProviderByHand, client: Client
) -> None:
    finish = there.post(client)
    assert finish.status_code == 303, last_entry()
    assert client.get(finish["Location"]).status_code == 302, last_entry()
    assert ExternalIdentity.objects.get().subject == "nia-1"


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_signed_and_yet_not_as_it_should_be_is_refused(
    there: ProviderByHand, client: Client, name: str
) -> None:
    change, reason = CASES[name]
    assert refused(there.post(client, change)) == (400, reason.value), last_entry()


def test_a_response_around_an_unsigned_assertion_is_refused(there: ProviderByHand, client: Client) -> None:
    assert refused(there.post(client, signs_assertion=False)) == (400, "assertion_unsigned")


def test_inside_stays_the_answer_to_a_request_also_where_sign_ins_may_begin_there(
    there: ProviderByHand, client: Client
) -> None:
    IdentityProvider.objects.update(allows_idp_initiated=True)
    assert refused(there.post(client, sets("", "InResponseTo", None))) == (400, "in_response_to")


def test_a_comment_put_into_a_name_on_the_way_cuts_nothing_off(there: ProviderByHand, client: Client) -> None:
    def comments(root: Any) -> None:
        # Signatures do not cover comments: this one is still genuine.
        name = root.find("saml:Assertion/saml:Subject/saml:NameID", NAMES)
        name.text, comment = "nia", etree.Comment("x")
        comment.tail = "-1"
        name.append(comment)

    finish = there.post(client, afterwards=comments)
    assert finish.status_code == 303, last_entry()
    client.get(finish["Location"])
    assert ExternalIdentity.objects.get().subject == "nia-1"


@pytest.mark.parametrize("state", ["", "x", "../", "x" * 5000, "ü", "https://evil.example/"])
def test_a_state_that_is_not_ours_leads_nowhere(there: ProviderByHand, client: Client, state: str) -> None:
    request_id, _ = there.asked(client)
    root = there.response(request_id)
    root.replace(root.find("saml:Assertion", NAMES), there.signed(root.find("saml:Assertion", NAMES)))
    assert refused(there.send(client, there.signed(root), state)) == (400, "unknown_state")


@pytest.mark.parametrize(("name", "reason"), [("nobody-here", "no_session"), ("", "name_id")])
def test_a_signed_request_to_sign_somebody_out_who_is_not_here_ends_nothing(
    there: ProviderByHand, client: Client, name: str, reason: str
) -> None:
    client.get(there.post(client)["Location"])
    answer = client.post(f"/sso/{there.row.pk}/slo/", there.logout_request(name))
    entry = SsoLogEntry.objects.filter(outcome="refused").first()
    assert (answer.status_code, entry.reason if entry else "") == (400, reason)
    assert client.get("/settings/preferences/").status_code == 200
