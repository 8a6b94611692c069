"""``manage.py backups``: which backups there are; verifies one, removes those that are not needed any more."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.backups.repository import StoredBackup, stored_backups
from tenants.backups.retention import prune_backups
from tenants.backups.selectors import backup_status, known_backups, repository_size
from tenants.backups.servers import BackupServer
from tenants.backups.verifying import verify_backup
from tenants.foundation.errors import DomainError
from tenants.management.commands.backup import chosen_servers
from tenants.models import Backup


class Command(BaseCommand):
    help = "Lists the backups. --verify reads one as a restore would, --prune removes what is not needed any more."

    def add_arguments(self, parser: CommandParser) -> None:
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--verify", nargs="?", const="newest", metavar="ID", help="the newest when not named"
        )
        action.add_argument("--prune", action="store_true")
        parser.add_argument("--server", help="only this server (main, or the alias of its first cell)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            servers = chosen_servers(options["server"])
            if options["verify"]:
                self._verify(servers, options["verify"], as_json=options["json"])
            elif options["prune"]:
                self._prune(servers, as_json=options["json"])
            else:
                self._list(servers, as_json=options["json"])
        except DomainError as error:
            raise CommandError(error.message) from error

    def _list(self, servers: list[BackupServer], *, as_json: bool) -> None:
        stored = [
            backup for server in servers for backup in stored_backups(server.name, skips_unreadable=True)
        ]
        names = [server.name for server in servers]
        rows = {row.pk: row for row in known_backups(1000) if row.server in names}
        failed = [row for row in rows.values() if row.state == Backup.State.FAILED]
        size, status = repository_size(), backup_status()
        proved = status.last_proved_restore_at
        if as_json:
            told = {
                "backups": [described(backup, rows.get(backup.id)) for backup in stored],
                "failed": [{"id": str(row.pk), "kind": row.kind, "error": row.error} for row in failed],
                "repository_bytes": size,
                "last_proved_restore_at": proved.isoformat() if proved else None,
            }
            self.stdout.write(json.dumps(told))
            return
        for backup in stored:
            row = rows.get(backup.id)
            state = row.state if row else Backup.State.COMPLETE
            self.stdout.write(
                f"{backup.id}  {backup.server:<8} {backup.kind:<12} {backup.finished_at:%Y-%m-%d %H:%M:%S} UTC  "
                f"{backup.stored_bytes / 2**20:8.1f} MB  {state}"
            )
        for row in failed:
            self.stdout.write(f"{row.pk}  {row.server:<8} {row.kind:<12} failed: {row.error}")
        self.stdout.write(
            f"{len(stored)} {'backup' if len(stored) == 1 else 'backups'}, {(size or 0) / 2**20:.1f} MB with the log; "
            + (
                f"a restore was last proved {proved:%Y-%m-%d %H:%M} UTC."
                if proved
                else "no restore was proved yet."
            )
        )

    def _verify(self, servers: list[BackupServer], wanted: str, *, as_json: bool) -> None:
        checked = False
        for server in servers:
            known = {str(backup.id): backup for backup in stored_backups(server.name, skips_unreadable=True)}
            if wanted != "newest" and wanted not in known:
                continue
            evidence = verify_backup(server, known.get(wanted))
            told = {"is_passed": evidence.is_passed, "summary": evidence.summary, **evidence.report}
            self.stdout.write(json.dumps(told) if as_json else evidence.summary)
            if not evidence.is_passed:
                raise CommandError("The backup cannot be used.")
            checked = True
        if not checked:
            raise CommandError(f"There is no backup {wanted}.")

    def _prune(self, servers: list[BackupServer], *, as_json: bool) -> None:
        for server in servers:
            pruned = prune_backups(server)
            told = {"server": server.name, "backups": pruned.backups, "log_files": pruned.log_files}
            text = f"{server.name}: {pruned.backups} backups and {pruned.log_files} files of the log removed."
            self.stdout.write(json.dumps(told) if as_json else text)


def described(backup: StoredBackup, row: Backup | None) -> dict[str, Any]:
    """A backup's entry, and whether it was verified, as JSON values."""
    verified = row.verified_at if row else None
    return {**backup.as_json(), "verified_at": verified.isoformat() if verified else None}
