"""The form of signatures and encryption that is accepted, before any of it is computed."""

from typing import Any, Final

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

from tenants.accounts.sso.reasons import Reason, SsoRefused

_NAMES: Final = Constants.NSMAP
_DSIG: Final = "http://www.w3.org/2001/04/xmldsig-more#"
SIGNATURES: Final = {
    **{f"{_DSIG}rsa-sha{bits}": f"RSA with SHA-{bits}" for bits in (256, 384, 512)},
    **{f"{_DSIG}ecdsa-sha{bits}": f"ECDSA with SHA-{bits}" for bits in (256, 384, 512)},
}
_DIGESTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
}
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_TRANSFORMS: Final = {
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    _EXCLUSIVE,
    f"{_EXCLUSIVE}WithComments",
}
_GCM: Final = {
    f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm": f"AES-{bits}-GCM" for bits in (128, 192, 256)
}
_CBC: Final = {
    f"http://www.w3.org/2001/04/xmlenc#aes{bits}-cbc": f"AES-{bits}-CBC" for bits in (128, 192, 256)
}
_KEY_TRANSPORTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
}


def check_signature_form(element: Any, *, missing: Reason) -> str:
    """Return the algorithm of an element's own signature, in words.

    There is exactly one, over exactly this element, with SHA-256 or better and no other transform than the two that
    SAML allows. Raises: SsoRefused.
    """
    signatures = element.findall("ds:Signature", _NAMES)
    if not signatures:
        raise SsoRefused(missing)
    if len(signatures) != 1:
        raise SsoRefused(Reason.SIGNATURE, "One element carries more than one signature.")
    signed = signatures[0].find("ds:SignedInfo", _NAMES)
    method = signed.find("ds:SignatureMethod", _NAMES) if signed is not None else None
    references = signed.findall("ds:Reference", _NAMES) if signed is not None else []
    if method is None or len(references) != 1:
        raise SsoRefused(Reason.SIGNATURE, "The signature does not cover exactly one element.")
    digest = references[0].find("ds:DigestMethod", _NAMES)
    transforms = {node.get("Algorithm") for node in references[0].findall(".//ds:Transform", _NAMES)}
    name = str(method.get("Algorithm"))
    if name not in SIGNATURES or digest is None or digest.get("Algorithm") not in _DIGESTS:
        raise SsoRefused(Reason.ALGORITHM, f"The signature uses {name[:120]}. Use SHA-256 or better.")
    if not element.get("ID") or references[0].get("URI") != f"#{element.get('ID')}":
        raise SsoRefused(Reason.SIGNATURE, "The signature covers another element than the one it stands in.")
    if not transforms <= _TRANSFORMS:
        raise SsoRefused(Reason.SIGNATURE, "The signature is over a changed form of the element.")
    return SIGNATURES[name]


def encryption_of(root: Any) -> str:
    """Return how the assertion is encrypted, in words, "" when it is not. Call it once the outside is known genuine.

    Raises: SsoRefused for what is accepted under no signature.
    """
    if root.find("saml:EncryptedAssertion", _NAMES) is None:
        return ""
    blocks = root.findall("saml:EncryptedAssertion/xenc:EncryptedData/xenc:EncryptionMethod", _NAMES)
    keys = root.findall(".//xenc:EncryptedKey/xenc:EncryptionMethod", _NAMES)
    names = _GCM | _CBC
    if len(blocks) != 1 or blocks[0].get("Algorithm") not in names or not keys:
        raise SsoRefused(Reason.ENCRYPTION)
    if any(node.get("Algorithm") not in _KEY_TRANSPORTS for node in keys):
        raise SsoRefused(Reason.ENCRYPTION, "The key is transported with RSA 1.5. Use RSA-OAEP.")
    return names[str(blocks[0].get("Algorithm"))]
