"""The write-ahead log's segments: their order, holes in it, and their way into the repository."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tenants.backups.errors import BackupBroken, BackupFailed, WalMissing
from tenants.backups.sealing import read_small, write_small
from tenants.backups.segments import HEADER, IS_LONG, require_unbroken, segment_at, segment_index, segment_of
from tenants.backups.servers import Access, BackupServer
from tenants.backups.wal import (
    check_segment,
    ship_wal,
    stored_segments,
    wait_for_wal,
    wal_folder,
    wal_name,
)

SIZE = 16 * 2**20
FIRST = "0000000100000000000000FE"


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> BackupServer:
    """A server with an empty spool and an empty repository."""
    settings.BACKUP_DIR, settings.BACKUP_WAL_DIR = tmp_path / "backups", tmp_path / "wal"
    (tmp_path / "wal" / "main").mkdir(parents=True)
    return BackupServer("main", Access("127.0.0.1", "1", "nobody", ""), {})


@pytest.mark.parametrize(
    ("lsn", "name"),
    [
        ("0/3000028", "000000010000000000000003"),
        ("0/FF000000", "0000000100000000000000FF"),
        ("1/0", "000000010000000100000000"),
        ("A/12345678", "000000010000000A00000012"),
    ],
)
def test_a_position_is_in_a_segment(lsn: str, name: str) -> None:
    assert segment_of(lsn, 1, SIZE) == name


def test_a_name_says_its_place_and_a_place_its_name() -> None:
    for name in (FIRST, "0000000A0000000100000000"):
        assert segment_at(segment_index(name, SIZE), int(name[:8], 16), SIZE) == name


def test_segments_follow_one_another_over_the_end_of_a_log() -> None:
    assert segment_index("000000010000000100000000", SIZE) == segment_index(FIRST, SIZE) + 2


def test_a_log_without_a_hole_is_good_on_whatever_timeline() -> None:
    segments = [FIRST, "0000000100000000000000FF", "000000020000000100000000"]
    require_unbroken(segments, first=FIRST, last=None, segment_bytes=SIZE)
    require_unbroken(segments, first=FIRST, last="000000020000000100000000", segment_bytes=SIZE)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_the_first_missing_segment_is_named(gone: int) -> None:
    segments = [FIRST, "0000000100000000000000FF", "000000010000000100000000"]
    left = [name for number, name in enumerate(segments) if number != gone]
    with pytest.raises(WalMissing, match=segments[gone]):
        require_unbroken(left, first=FIRST, last=segments[-1], segment_bytes=SIZE)


def test_what_the_server_left_is_shipped_and_removed(server: BackupServer) -> None:
    names = [FIRST, f"{FIRST}.00000028.backup", "00000002.history"]
    for name in [*names, f".{FIRST}.77", "notes.txt"]:
        (server.wal_folder / name).write_bytes(name.encode() * 1000)
    assert ship_wal(server).files == 3
    assert stored_segments("main") == [FIRST]
    for name in names:
        assert read_small(wal_folder("main") / name, wal_name("main", name)) == name.encode() * 1000
    left = {path.name for path in server.wal_folder.iterdir()}
    assert left == {f".{FIRST}.77", "notes.txt", ".shipping"}
    assert ship_wal(server).files == 0


def test_the_same_segment_again_is_welcome_and_another_is_refused(server: BackupServer) -> None:
    for _ in range(2):
        (server.wal_folder / FIRST).write_bytes(b"the same")
        ship_wal(server)
    (server.wal_folder / FIRST).write_bytes(b"another server's")
    with pytest.raises(BackupFailed, match="already in the repository"):
        ship_wal(server)
    assert read_small(wal_folder("main") / FIRST, wal_name("main", FIRST)) == b"the same"
    assert (server.wal_folder / FIRST).exists(), "what was not stored is not removed"


def test_a_segment_that_does_not_come_is_named_with_what_to_look_at(server: BackupServer) -> None:
    with pytest.raises(WalMissing, match="archive_command"):
        wait_for_wal(server, FIRST, seconds=0.2)


def first_page(**facts: int) -> bytes:
    """What PostgreSQL 18 writes at the beginning of the segment FIRST."""
    said = {"magic": 0xD118, "info": IS_LONG, "timeline": 1, "address": 0xFE * SIZE, "size": SIZE} | facts
    return HEADER.pack(
        said["magic"], said["info"], said["timeline"], said["address"], 0, 7_500_000_000_000_000_000, said["size"], 8192
    )  # fmt: skip


def store(content: bytes) -> None:
    folder = wal_folder("main")
    folder.mkdir(parents=True, exist_ok=True)
    write_small(folder / FIRST, wal_name("main", FIRST), content)


def test_a_whole_segment_in_its_place_passes(server: BackupServer) -> None:
    store(first_page().ljust(SIZE, b"\0"))
    check_segment("main", FIRST, SIZE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has 0 bytes"),
        (first_page() + b"cut off", "bytes; a segment of this server has"),
        (b"not a log at all".ljust(SIZE, b"."), "not a segment"),
        (first_page(info=0).ljust(SIZE, b"\0"), "not a segment"),
        (first_page(address=0xFD * SIZE).ljust(SIZE, b"\0"), "another segment's pages"),
        (first_page(timeline=2).ljust(SIZE, b"\0"), "another segment's pages"),
        (first_page(size=2 * SIZE).ljust(SIZE, b"\0"), "segments have"),
    ],
)
def test_a_segment_that_is_no_whole_one_or_another_one_is_broken(
    server: BackupServer, content: bytes, says: str
) -> None:
    store(content)
    with pytest.raises(BackupBroken, match=says):
        check_segment("main", FIRST, SIZE)
