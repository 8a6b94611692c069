"""The script by which the embedded server archives: whole or not at all, and never over another segment."""

import subprocess
from pathlib import Path

import pytest

from config.archiving import SCRIPT, archive_settings

NAME = "000000010000000000000001"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A segment and the folder it is archived to."""
    (tmp_path / "archive").mkdir()
    segment = tmp_path / "segment"
    segment.write_bytes(b"log" * 1000)
    return segment, tmp_path / "archive"


def archive(segment: Path, folder: Path) -> int:
    return subprocess.run(
        ["sh", str(SCRIPT), str(segment), NAME, str(folder)], check=False, capture_output=True
    ).returncode


def test_a_segment_is_copied_whole(folders: tuple[Path, Path]) -> None:
    segment, folder = folders
    assert archive(segment, folder) == 0
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert (folder / NAME).read_bytes() == segment.read_bytes()
    assert (folder / NAME).stat().st_mode & 0o077 == 0


def test_the_same_again_is_fine(folders: tuple[Path, Path]) -> None:
    assert archive(*folders) == 0
    assert archive(*folders) == 0


def test_another_one_of_that_name_is_never_replaced(folders: tuple[Path, Path]) -> None:
    segment, folder = folders
    archive(segment, folder)
    segment.write_bytes(b"other" * 1000)
    assert archive(segment, folder) != 0
    assert (folder / NAME).read_bytes() == b"log" * 1000
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_what_cannot_be_copied_leaves_nothing(folders: tuple[Path, Path]) -> None:
    segment, folder = folders
    segment.unlink()
    assert archive(segment, folder) != 0
    assert list(folder.iterdir()) == []


def test_the_command_survives_odd_names_of_folders(tmp_path: Path) -> None:
    odd = tmp_path / "it's 100% odd"
    odd.mkdir()
    settings = archive_settings(odd, odd / "wal archive", None)
    segment = tmp_path / "segment"
    segment.write_bytes(b"log")
    # PostgreSQL puts these in itself.
    command = settings["archive_command"].replace("%p", str(segment)).replace("%f", NAME).replace("%%", "%")
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0
    assert (odd / "wal archive" / "main" / NAME).read_bytes() == b"log"
