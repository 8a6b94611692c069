"""Backups that are known not to be whole: nothing is based on them any more, and no restore begins with one."""

from collections.abc import Collection, Sequence
from uuid import UUID

from tenants.backups.repository import StoredBackup
from tenants.models import Backup


def broken_backups(server: str) -> frozenset[UUID]:
    """The backups of a server that were read back and found broken."""
    failed = Backup.objects.filter(server=server, state=Backup.State.FAILED)
    return frozenset(failed.values_list("pk", flat=True))


def sound_backups(backups: Sequence[StoredBackup], broken: Collection[UUID]) -> list[StoredBackup]:
    """Those that neither are broken nor are based on a broken one, oldest first; all where that leaves none.

    The log goes on from each of them, so an older one reaches every moment that a broken one would have.
    """
    sound = [each for each in backups if each.id not in broken and each.based_on not in broken]
    return sound or list(backups)
