"""Canonical JSON has one spelling, and a signature fits one document only."""

import json

import pytest

from tenants.foundation.errors import InvalidInput
from tenants.foundation.signing import (
    SignatureInvalid,
    SignedDocument,
    canonical_json,
    check,
    new_private_key,
    public_key_of,
    sign,
)

PRIVATE = new_private_key()
PUBLIC = public_key_of(PRIVATE)


def test_order_and_blanks_do_not_change_the_canonical_form() -> None:
    one = json.loads('{"b": [1, true, null], "a": {"y": "ü", "x": 0}}')
    other = json.loads('{"a":{"x":0,"y":"\\u00fc"},"b":[1,true,null]}')
    assert canonical_json(one) == canonical_json(other) == '{"a":{"x":0,"y":"ü"},"b":[1,true,null]}'.encode()


def test_names_are_sorted_as_the_standard_sorts_them() -> None:
    # The example of RFC 8785 §3.2.3, whose order differs from that of code points.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    spelled = json.loads(canonical_json(dict.fromkeys(names, 0)))
    assert list(spelled) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_control_characters_are_escaped_in_the_short_way() -> None:
    assert canonical_json('\x08\t\n\x0c\r"\\/\x01\x7f') == b'"\\b\\t\\n\\f\\r\\"\\\\/\\u0001\x7f"'


@pytest.mark.parametrize("value", [1.0, 1e300, float("nan"), 2**53, b"bytes", {1: "a"}, {"a"}, "\ud800"])
def test_what_has_no_single_spelling_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical_json({"value": value})


def test_a_signature_fits_its_document_however_it_was_stored() -> None:
    signed = sign({"kind": "test", "rows": 3}, private=PRIVATE, key_id="k")
    again = SignedDocument.from_json(json.loads(json.dumps(signed.as_json(), indent=4)))
    check(again, public=PUBLIC)


@pytest.mark.parametrize(
    "document", [{"kind": "test", "rows": 4}, {"kind": "other", "rows": 3}, {"kind": "test"}]
)
def test_an_altered_document_is_refused(document: dict[str, object]) -> None:
    signed = sign({"kind": "test", "rows": 3}, private=PRIVATE, key_id="k")
    with pytest.raises(SignatureInvalid):
        check(SignedDocument(document, signed.signature, "k"), public=PUBLIC)


def test_another_key_or_a_broken_signature_is_refused() -> None:
    signed = sign({"kind": "test"}, private=PRIVATE, key_id="k")
    with pytest.raises(SignatureInvalid):
        check(signed, public=public_key_of(new_private_key()))
    for text in ("", "no base64!", signed.signature[:-8]):
        with pytest.raises(SignatureInvalid):
            check(SignedDocument(signed.document, text, "k"), public=PUBLIC)


def test_a_document_says_what_it_is() -> None:
    with pytest.raises(InvalidInput):
        sign({"rows": 3}, private=PRIVATE, key_id="k")


@pytest.mark.parametrize(
    "value", [[], {}, {"document": {}}, {"document": {}, "signature": {"algorithm": "none"}}]
)
def test_what_is_not_a_signed_document_is_not_read_as_one(value: object) -> None:
    with pytest.raises(InvalidInput):
        SignedDocument.from_json(value)
