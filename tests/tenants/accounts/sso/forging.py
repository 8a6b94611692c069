"""Forged SAML responses: what an attacker makes of a genuine one, each a change to what the browser posts."""

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

NAMES = Constants.NSMAP
DS = "{%s}" % NAMES["ds"]  # noqa: UP031 - a namespace in braces
SAML = "{%s}" % NAMES["saml"]  # noqa: UP031 - likewise
SAMLP = "{%s}" % NAMES["samlp"]  # noqa: UP031 - likewise


@dataclass
class Post:
    """What the browser posts, opened up."""

    fields: dict[str, str]
    root: Any

    @property
    def assertion(self) -> Any:
        return self.root.find("saml:Assertion", NAMES)

    def sent(self) -> dict[str, str]:
        return {**self.fields, "SAMLResponse": base64.b64encode(etree.tostring(self.root)).decode()}


def opened(fields: dict[str, str]) -> Post:
    return Post(fields, etree.fromstring(base64.b64decode(fields["SAMLResponse"])))


def evil(assertion: Any) -> Any:
    """The same assertion for somebody else, without its signature."""
    forged = copy.deepcopy(assertion)
    forged.set("ID", "_evil")
    forged.find("saml:Subject/saml:NameID", NAMES).text = "boss"
    for signature in forged.findall("ds:Signature", NAMES):
        forged.remove(signature)
    return forged


def xsw1(post: Post) -> None:
    """A forged response around, the genuine one inside its signature."""
    genuine = copy.deepcopy(post.root)
    signature = post.root.find("ds:Signature", NAMES)
    for inner in genuine.findall("ds:Signature", NAMES):
        genuine.remove(inner)
    post.root.set("ID", "_evil_response")
    post.root.replace(post.assertion, evil(post.assertion))
    signature.append(genuine)


def xsw2(post: Post) -> None:
    """A forged response, the genuine one beside its signature."""
    genuine = copy.deepcopy(post.root)
    for inner in genuine.findall("ds:Signature", NAMES):
        genuine.remove(inner)
    post.root.set("ID", "_evil_response")
    post.root.replace(post.assertion, evil(post.assertion))
    post.root.insert(1, genuine)


def xsw3(post: Post) -> None:
    """A forged assertion before the genuine one."""
    post.root.insert(list(post.root).index(post.assertion), evil(post.assertion))


def xsw4(post: Post) -> None:
    """A forged assertion around the genuine one."""
    genuine = post.assertion
    forged = evil(genuine)
    post.root.replace(genuine, forged)
    forged.append(genuine)


def xsw5(post: Post) -> None:
    """A forged assertion with the genuine signature, the genuine assertion at the end."""
    genuine = copy.deepcopy(post.assertion)
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    forged = evil(genuine)
    forged.insert(1, signature)
    post.root.replace(post.assertion, forged)
    post.root.append(genuine)


def xsw6(post: Post) -> None:
    """A forged assertion whose signature holds the genuine one."""
    genuine = copy.deepcopy(post.assertion)
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    forged = evil(genuine)
    forged.insert(1, signature)
    signature.append(genuine)
    post.root.replace(post.assertion, forged)


def xsw7(post: Post) -> None:
    """A forged assertion inside Extensions."""
    extensions = etree.SubElement(post.root, f"{SAMLP}Extensions")
    extensions.append(evil(post.assertion))
    post.root.insert(1, extensions)


def xsw8(post: Post) -> None:
    """The genuine assertion inside an Object of the forged one's signature."""
    genuine = copy.deepcopy(post.assertion)
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    forged = evil(genuine)
    forged.insert(1, signature)
    etree.SubElement(signature, f"{DS}Object").append(genuine)
    post.root.replace(post.assertion, forged)


def no_signatures(post: Post) -> None:
    for element in (post.root, post.assertion):
        element.remove(element.find("ds:Signature", NAMES))


def no_message_signature(post: Post) -> None:
    post.root.remove(post.root.find("ds:Signature", NAMES))


def tampered(post: Post) -> None:
    post.assertion.find("saml:Subject/saml:NameID", NAMES).text = "boss"


def comment_in_the_name(post: Post) -> None:
    name = post.assertion.find("saml:Subject/saml:NameID", NAMES)
    name.text = "boss"
    comment = etree.Comment("x")
    comment.tail = ".evil"
    name.append(comment)


def sha1(post: Post) -> None:
    method = post.root.find("ds:Signature/ds:SignedInfo/ds:SignatureMethod", NAMES)
    method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")


def hmac(post: Post) -> None:
    method = post.root.find("ds:Signature/ds:SignedInfo/ds:SignatureMethod", NAMES)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


def whole_document_reference(post: Post) -> None:
    post.root.find("ds:Signature/ds:SignedInfo/ds:Reference", NAMES).set("URI", "")


def xpath_transform(post: Post) -> None:
    transforms = post.root.find("ds:Signature/ds:SignedInfo/ds:Reference/ds:Transforms", NAMES)
    etree.SubElement(transforms, f"{DS}Transform").set(
        "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"
    )


def other_destination(post: Post) -> None:
    post.root.set("Destination", "https://evil.example/?x=" + post.root.get("Destination"))


def no_request_outside(post: Post) -> None:
    del post.root.attrib["InResponseTo"]


def two_signatures(post: Post) -> None:
    signature = post.root.find("ds:Signature", NAMES)
    post.root.insert(2, copy.deepcopy(signature))


def other_issuer(post: Post) -> None:
    post.root.find("saml:Issuer", NAMES).text = "https://evil.example/"


def failure_status(post: Post) -> None:
    post.root.find("samlp:Status/samlp:StatusCode", NAMES).set(
        "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"
    )


def plain_beside(post: Post) -> None:
    """An encrypted assertion and a plain forged one together."""
    post.root.append(PLAIN)


PLAIN = etree.fromstring(
    f'<saml:Assertion xmlns:saml="{NAMES["saml"]}" ID="_evil" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
    "<saml:Subject><saml:NameID>boss</saml:NameID></saml:Subject></saml:Assertion>"
)

ATTACKS: dict[str, tuple[Callable[[Post], None], set[str]]] = {
    "XSW1": (xsw1, {"assertions"}),
    "XSW2": (xsw2, {"assertions"}),
    "XSW3": (xsw3, {"assertions"}),
    "XSW4": (xsw4, {"assertions"}),
    "XSW5": (xsw5, {"assertions"}),
    "XSW6": (xsw6, {"assertions"}),
    "XSW7": (xsw7, {"assertions"}),
    "XSW8": (xsw8, {"assertions"}),
    "no signature at all": (no_signatures, {"message_unsigned"}),
    "only the assertion signed": (no_message_signature, {"message_unsigned"}),
    "another NameID": (tampered, {"signature"}),
    "a comment in the NameID": (comment_in_the_name, {"signature"}),
    "SHA-1": (sha1, {"algorithm"}),
    "HMAC with the public key": (hmac, {"algorithm"}),
    "a reference to everything": (whole_document_reference, {"signature"}),
    "an XPath transform": (xpath_transform, {"signature"}),
    "another Destination": (other_destination, {"signature"}),
    "InResponseTo taken off": (no_request_outside, {"unsolicited"}),
    "two signatures": (two_signatures, {"signature"}),
    "another issuer": (other_issuer, {"issuer"}),
    "a failure": (failure_status, {"not_success"}),
}
