"""Files of the repository come out as they went in, or not at all."""

import base64
import os
from pathlib import Path

import pytest
from pytest_django import Settings

from tenants.backups.errors import BackupBroken
from tenants.backups.sealing import SealedFile, read_sealed, read_small, remove_stale, write_small

NAME = "main/wal/000000010000000000000001"
CONTENT = b"".join(number.to_bytes(4) * 7 for number in range(40_000))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A file of 1.1 MB that compresses to several pieces."""
    path = tmp_path / "sealed"
    with SealedFile(path, NAME) as file:
        for start in range(0, len(CONTENT), 100_000):
            file.write(CONTENT[start : start + 100_000])
        file.write(os.urandom(300_000))
    return path


def test_a_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    write_small(tmp_path / "sealed", NAME, CONTENT)
    assert b"".join(read_sealed(tmp_path / "sealed", NAME)) == CONTENT
    assert (tmp_path / "sealed").stat().st_size < len(CONTENT) / 2
    assert (tmp_path / "sealed").stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    write_small(tmp_path / "sealed", NAME, b"")
    assert read_small(tmp_path / "sealed", NAME) == b""


def test_a_cut_file_is_refused_wherever_it_was_cut(sealed: Path) -> None:
    whole = sealed.read_bytes()
    for length in (0, 3, 20, 200, len(whole) // 2, len(whole) - 1):
        sealed.write_bytes(whole[:length])
        with pytest.raises(BackupBroken):
            read_small(sealed, NAME)


def test_a_changed_byte_is_noticed_wherever_it_is(sealed: Path) -> None:
    whole = sealed.read_bytes()
    for place in (0, 40, 200, len(whole) // 2, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        sealed.write_bytes(bytes(changed))
        with pytest.raises(BackupBroken):
            read_small(sealed, NAME)


def test_a_file_does_not_open_under_another_s_name(sealed: Path) -> None:
    with pytest.raises(BackupBroken, match="cannot be read"):
        read_small(sealed, NAME.replace("1", "2"))


def test_another_key_opens_nothing(sealed: Path, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEY = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(BackupBroken, match="not configured"):
        read_small(sealed, NAME)


def test_a_former_key_is_enough_while_it_is_configured(sealed: Path, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEY = f"{base64.b64encode(os.urandom(32)).decode()},{settings.KEY_ENCRYPTION_KEY}"
    assert read_small(sealed, NAME).startswith(CONTENT)


def test_a_file_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BackupBroken, match="missing"):
        read_small(tmp_path / "nothing", NAME)


def test_a_writer_that_fails_leaves_neither_a_file_nor_a_part(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SealedFile(tmp_path / "sealed", NAME) as file:
        file.write(CONTENT)
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_neither_a_file_nor_a_part(tmp_path: Path) -> None:
    (tmp_path / "sealed.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_small(tmp_path / "sealed", NAME, os.urandom(500_000))
    assert list(tmp_path.iterdir()) == []


def test_only_old_parts_are_cleared_away(tmp_path: Path) -> None:
    for name, age in (("old.part", 7200), ("young.part", 10), ("old", 7200)):
        (tmp_path / name).touch()
        moment = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (moment, moment))
    remove_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "young.part"]
