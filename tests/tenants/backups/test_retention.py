"""What is kept reaches every moment of the window, and lacks nothing it is based on."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.backups.errors import BackupBroken
from tenants.backups.repository import StoredBackup, chain_of, newest_before
from tenants.backups.retention import kept_backups, needed_from
from tenants.backups.soundness import sound_backups

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def backup(*, hours_ago: int, based_on: UUID | None = None) -> StoredBackup:
    finished = NOW - timedelta(hours=hours_ago)
    return StoredBackup(
        id=uuid4(), server="main", kind="incremental" if based_on else "full", based_on=based_on,
        started_at=finished - timedelta(minutes=5), finished_at=finished, starts_at_lsn="0/0", ends_at_lsn="0/0",
        timeline=1, segment_bytes=16 * 2**20, first_segment=f"0000000100000000{100_000 - hours_ago:08X}",
        last_segment=f"0000000100000000{100_000 - hours_ago:08X}", system_identifier="1", plain_bytes=1,
        stored_bytes=1, manifest_sha256="", databases={},
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[StoredBackup]:
    """Full backups and what is based on them, one every few hours, the oldest weeks ago."""
    backups: list[StoredBackup] = []
    for hours_ago in sorted(draw(st.sets(st.integers(0, 600), max_size=40)), reverse=True):
        has_parent: bool = draw(st.booleans())
        parent = backups[-1] if backups and has_parent else None
        backups.append(backup(hours_ago=hours_ago, based_on=parent.id if parent else None))
    return backups


@given(backups=histories(), days=st.integers(1, 20))
def test_a_kept_backup_lacks_nothing_it_is_based_on(backups: list[StoredBackup], days: int) -> None:
    kept = kept_backups(backups, now=NOW, days=days)
    for each in kept:
        chain = chain_of(each, kept)
        assert chain[0].kind == "full"


@given(backups=histories(), days=st.integers(1, 20), hours=st.integers(0, 480))
def test_every_moment_of_the_window_is_reached_from_the_same_backup_as_before(
    backups: list[StoredBackup], days: int, hours: int
) -> None:
    moment = NOW - timedelta(hours=min(hours, days * 24))
    reachable = [each for each in backups if each.finished_at <= moment]
    kept = kept_backups(backups, now=NOW, days=days)
    if reachable:
        best = newest_before(kept, moment)
        assert best == reachable[-1]
        first = needed_from(kept)
        assert first is not None
        assert first[8:] <= best.first_segment[8:], "the log from its beginning on is kept"


@given(backups=histories(), days=st.integers(1, 20))
def test_the_newest_chain_is_kept_however_old(backups: list[StoredBackup], days: int) -> None:
    kept = kept_backups(backups, now=NOW + timedelta(days=400), days=days)
    assert bool(kept) == bool(backups)
    if backups:
        assert kept[-1] == backups[-1]


def test_what_nobody_needs_is_not_kept() -> None:
    old = backup(hours_ago=30 * 24)
    child = backup(hours_ago=30 * 24 - 1, based_on=old.id)
    border = backup(hours_ago=8 * 24)
    young = backup(hours_ago=24)
    kept = kept_backups([old, child, border, young], now=NOW, days=7)
    assert kept == [border, young], "the one before the window is what its first hours are reached from"


def test_a_broken_one_does_not_stand_in_for_the_one_before_it() -> None:
    sound, broken, young = (backup(hours_ago=hours) for hours in (10 * 24, 8 * 24, 24))
    child = backup(hours_ago=8 * 24 - 1, based_on=broken.id)
    history = [sound, broken, child, young]
    assert kept_backups(history, now=NOW, days=7, broken=[broken.id]) == [sound, young]
    assert kept_backups([broken, young], now=NOW, days=7, broken=[broken.id]) == [broken, young]
    assert sound_backups(history, [broken.id]) == [sound, young]
    assert sound_backups([broken, child], [broken.id]) == [broken, child]


def test_a_backup_whose_parent_is_gone_is_not_kept() -> None:
    young = backup(hours_ago=24)
    orphan = backup(hours_ago=2, based_on=uuid4())
    assert kept_backups([young, orphan], now=NOW, days=7) == [young]
    with pytest.raises(BackupBroken, match="gone"):
        chain_of(orphan, [young, orphan])
