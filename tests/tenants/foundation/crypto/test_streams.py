"""Sealed files come out as they went in, and nobody can change, shorten or reorder one unseen."""

from io import BytesIO

import pytest

from tenants.foundation.crypto import CryptoError
from tenants.foundation.crypto.keys import new_key
from tenants.foundation.crypto.streams import PIECE_BYTES, SealedWriter, opened_pieces, sealed_key_of

KEY = new_key()
PIECE_AND_TAG = PIECE_BYTES + 16


def seal(content: bytes, *, part: int = 10_000) -> bytes:
    below = BytesIO()
    writer = SealedWriter(below, key=KEY, sealed_key=b"sealed")
    for start in range(0, len(content), part):
        writer.write(content[start : start + part])
    writer.finish()
    return below.getvalue()


def open_again(sealed: bytes, key: bytes = KEY) -> bytes:
    file = BytesIO(sealed)
    assert sealed_key_of(file) == b"sealed"
    return b"".join(opened_pieces(file, key=key))


@pytest.mark.parametrize(
    "length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 200_001]
)
def test_what_goes_in_comes_out(length: int) -> None:
    content = bytes(number % 251 for number in range(length))
    sealed = seal(content)
    assert open_again(sealed) == content
    assert len(content) < 100 or content not in sealed


def test_no_piece_can_be_changed_left_out_swapped_or_cut_off() -> None:
    sealed = seal(b"x" * (3 * PIECE_BYTES + 5))
    start = len(sealed) - (3 * PIECE_AND_TAG + 5 + 16)
    pieces = [sealed[start + n * PIECE_AND_TAG :][:PIECE_AND_TAG] for n in range(4)]
    changed = bytearray(sealed)
    changed[start + 100] ^= 1
    broken = [
        bytes(changed),
        sealed[:start] + pieces[0] + pieces[2] + pieces[3],
        sealed[:start] + pieces[1] + pieces[0] + pieces[2] + pieces[3],
        sealed[:start] + pieces[0] + pieces[1] + pieces[2],
        sealed[:-1],
        sealed[:start],
    ]
    for each in broken:
        with pytest.raises(CryptoError):
            open_again(each)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(CryptoError):
        open_again(seal(b"content"), key=new_key())


def test_another_file_is_not_taken_for_a_sealed_one() -> None:
    with pytest.raises(CryptoError):
        sealed_key_of(BytesIO(b"PK\x03\x04 a plain archive"))
