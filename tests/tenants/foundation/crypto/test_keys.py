"""Key-encryption keys: reading them, wrapping with them, replacing them."""

import base64
from pathlib import Path
from uuid import UUID

import pytest

from tenants.foundation.crypto import (
    CryptoError,
    KeyContext,
    KeysMisconfigured,
    LocalKeys,
    WrappedKey,
    keys_from_file,
    keys_from_text,
    new_key,
    new_key_entry,
    rewrap,
)

CONTEXT = KeyContext(UUID(int=1), 1)


def test_a_wrapped_key_comes_back_in_its_context_only() -> None:
    keys, data_key = keys_from_text(new_key_entry("k1")), new_key()
    wrapped = keys.wrap(data_key, CONTEXT)
    assert keys.unwrap(wrapped, CONTEXT) == data_key
    for other in (KeyContext(UUID(int=2), 1), KeyContext(UUID(int=1), 2)):
        with pytest.raises(CryptoError):
            keys.unwrap(wrapped, other)


def test_rewrapping_changes_the_wrapping_key_and_keeps_the_data_key() -> None:
    old_entry, new_entry, data_key = new_key_entry("old"), new_key_entry("new"), new_key()
    wrapped = keys_from_text(old_entry).wrap(data_key, CONTEXT)
    both = keys_from_text(f"{new_entry},{old_entry}")
    rewrapped = rewrap(wrapped, CONTEXT, both)
    assert rewrapped.kek_id == "new"
    assert keys_from_text(new_entry).unwrap(rewrapped, CONTEXT) == data_key
    assert rewrap(rewrapped, CONTEXT, both) is rewrapped


def test_a_key_that_is_no_longer_configured_is_named() -> None:
    wrapped = keys_from_text(new_key_entry("old")).wrap(new_key(), CONTEXT)
    with pytest.raises(KeysMisconfigured, match="'old' is not configured"):
        keys_from_text(new_key_entry("new")).unwrap(wrapped, CONTEXT)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x02" + b"x" * 60, b"\x01" + b"x" * 60])
def test_a_garbled_wrapped_key_is_a_clear_error(blob: bytes) -> None:
    with pytest.raises(CryptoError):
        keys_from_text(new_key_entry("k1")).unwrap(WrappedKey("k1", blob), CONTEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no key-encryption key"),
        ("k1 :", "not of the form"),
        (":" + base64.b64encode(b"x" * 32).decode(), "not of the form"),
        ("k1:***", "not base64"),
        ("k1:" + base64.b64encode(b"short").decode(), "has 5 bytes; it needs 32"),
    ],
)
def test_wrong_keys_are_refused_with_a_sentence_that_shows_no_key(text: str, message: str) -> None:
    with pytest.raises(KeysMisconfigured, match=message) as caught:
        keys_from_text(text)
    assert base64.b64encode(b"short").decode() not in str(caught.value)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(KeysMisconfigured, match="given twice"):
        keys_from_text(f"{new_key_entry('k1')},{new_key_entry('k1')}")


def test_a_bare_key_gets_a_stable_id_of_its_own() -> None:
    entry = new_key_entry("x").partition(":")[2]
    other = new_key_entry("x").partition(":")[2]
    assert keys_from_text(entry).current_id == keys_from_text(f"{entry},{other}").current_id
    assert keys_from_text(entry).current_id != keys_from_text(other).current_id


def test_a_key_file_is_read_when_only_its_owner_can(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# made for a test\n{new_key_entry('k2')}\n{new_key_entry('k1')}\n")
    path.chmod(0o400)
    assert keys_from_file(path).current_id == "k2"


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o500])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    path.write_text(new_key_entry("k1"))
    path.chmod(mode)
    with pytest.raises(KeysMisconfigured, match="0400"):
        keys_from_file(path)


def test_a_missing_key_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(KeysMisconfigured, match="cannot be read"):
        keys_from_file(tmp_path / "none")


def test_a_provider_shows_ids_and_no_keys() -> None:
    assert repr(LocalKeys({"k1": b"x" * 32, "k0": b"y" * 32})) == "LocalKeys(k1, k0)"
