"""What may be wrong with backups, in words for the operator who reads them."""

from tenants.foundation.errors import Conflict, DomainError


class BackupsOff(Conflict):
    """No repository is configured."""

    default_code = "backups.off"
    default_message = "Backups are off: set BACKUP_DIR to the folder that is to hold them."


class BackupFailed(DomainError):
    """A backup could not be taken, or something could not be brought back from one."""

    default_code = "backups.failed"
    default_message = "The backup failed."


class BackupBusy(Conflict):
    """Somebody else is just doing the same."""

    default_code = "backups.busy"
    default_message = "Another process is just working on the backups of this server."


class BackupBroken(BackupFailed):
    """A file of the repository is not what was written there: cut, altered, exchanged, or under another key."""

    default_code = "backups.broken"
    default_message = "A file of the backup cannot be read."


class WalMissing(BackupFailed):
    """The write-ahead log has a hole, or ends before the moment asked for."""

    default_code = "backups.wal_missing"
    default_message = "A part of the write-ahead log is missing."


class NoBackup(Conflict):
    """There is no backup from which that moment can be reached."""

    default_code = "backups.none"
    default_message = "There is no backup from which that moment can be reached."
