"""The platform signs with one key at a time, and every signature stays verifiable for ever."""

import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tenants.foundation.crypto import CryptoError
from tenants.foundation.crypto.keys import new_key_entry
from tenants.foundation.signing import SignatureInvalid, SignedDocument
from tenants.models import SigningKey
from tenants.secrets.signing import (
    active_signing_key,
    public_keys,
    rewrap_signing_keys,
    rotate_signing_key,
    sign_document,
    verify_document,
)

DOCUMENT = {"kind": "test", "text": "one", "rows": 3}


def test_a_signed_document_can_be_verified(database: None) -> None:
    signed = sign_document(DOCUMENT)
    verify_document(signed)
    assert signed.key_id == str(active_signing_key().pk)


def test_an_altered_document_and_an_unknown_key_are_refused(database: None) -> None:
    signed = sign_document(DOCUMENT)
    with pytest.raises(SignatureInvalid):
        verify_document(SignedDocument({**DOCUMENT, "rows": 4}, signed.signature, signed.key_id))
    for key_id in ("", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(SignatureInvalid):
            verify_document(SignedDocument(DOCUMENT, signed.signature, key_id))


def test_after_a_rotation_a_new_key_signs_and_the_old_signatures_hold(database: None) -> None:
    before = sign_document(DOCUMENT)
    rotate_signing_key()
    after = sign_document(DOCUMENT)
    assert after.key_id != before.key_id
    verify_document(before)
    verify_document(after)
    assert next(key["kid"] for key in public_keys()["keys"]) == after.key_id


def test_the_private_key_is_wrapped_and_opens_in_its_own_place_only(database: None) -> None:
    one = active_signing_key()
    other = rotate_signing_key()
    SigningKey.objects.filter(pk=other.pk).update(wrapped_private=one.wrapped_private)
    with pytest.raises(CryptoError):
        sign_document(DOCUMENT)


def test_signing_keys_follow_a_change_of_the_key_encryption_key(database: None, settings: Any) -> None:
    sign_document(DOCUMENT)
    settings.KEY_ENCRYPTION_KEY = f"{new_key_entry('next')},{settings.KEY_ENCRYPTION_KEY}"
    assert rewrap_signing_keys() >= 1
    assert rewrap_signing_keys() == 0
    settings.KEY_ENCRYPTION_KEY = settings.KEY_ENCRYPTION_KEY.partition(",")[0]
    verify_document(sign_document(DOCUMENT))


def test_many_that_need_the_first_key_at_once_end_up_with_one(
    databases: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        SigningKey.objects.all().delete()
        start, found, failed = threading.Barrier(6), [], []

        def ask() -> None:
            try:
                start.wait()
                found.append(active_signing_key().pk)
            except Exception as error:
                failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert len(found) == 6
        assert len(set(found)) == 1


def test_a_document_is_verified_offline_with_the_published_keys(database: None, tmp_path: Path) -> None:
    signed, keys = tmp_path / "signed.json", tmp_path / "keys.json"
    signed.write_text(json.dumps(sign_document(DOCUMENT).as_json(), indent=2))
    out = StringIO()
    call_command("signing_keys", "--json", stdout=out)
    keys.write_text(out.getvalue())
    SigningKey.objects.all().delete()

    out = StringIO()
    call_command("verify_document", str(signed), "--keys", str(keys), "--json", stdout=out)
    assert json.loads(out.getvalue())["is_valid"] is True

    signed.write_text(signed.read_text().replace('"rows": 3', '"rows": 4'))
    with pytest.raises(CommandError):
        call_command("verify_document", str(signed), "--keys", str(keys))
