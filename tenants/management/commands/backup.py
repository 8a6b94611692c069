"""``manage.py backup``: takes a base backup of every server, encrypted, into the repository."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.backups.servers import BackupServer, backup_servers
from tenants.backups.taking import Kind, take_backup
from tenants.backups.wal import ship_wal
from tenants.foundation.errors import DomainError


class Command(BaseCommand):
    help = "Takes a backup: an incremental one where there is a backup to base it on, else a full one."

    def add_arguments(self, parser: CommandParser) -> None:
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument("--full", action="store_true", help="a full one in any case")
        kind.add_argument("--incremental", action="store_true", help="an incremental one or none")
        kind.add_argument(
            "--wal-only",
            action="store_true",
            help="only bring finished segments of the log into the repository",
        )
        parser.add_argument("--server", help="only this server (main, or the alias of its first cell)")
        parser.add_argument("--json", action="store_true", help="one JSON object per server and line")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted: Kind | None = "full" if options["full"] else "incremental" if options["incremental"] else None
        try:
            servers = chosen_servers(options["server"])
            for server in servers:
                told = ship(server) if options["wal_only"] else back_up(server, wanted)
                text = ", ".join(f"{name} {value}" for name, value in told.items())
                self.stdout.write(json.dumps(told) if options["json"] else text)
        except DomainError as error:
            raise CommandError(error.message) from error


def chosen_servers(name: str | None) -> list[BackupServer]:
    """Every server, or the one of this name. Raises: CommandError, BackupsOff, BackupFailed."""
    servers = backup_servers()
    if name is None:
        return servers
    chosen = [server for server in servers if server.name == name]
    if not chosen:
        raise CommandError(
            f"There is no server {name}; known: {', '.join(server.name for server in servers)}."
        )
    return chosen


def back_up(server: BackupServer, kind: Kind | None) -> dict[str, Any]:
    """Take a backup and say what came of it."""
    row = take_backup(server, kind=kind)
    return {
        "server": server.name, "backup": str(row.pk), "kind": row.kind, "bytes": row.bytes,
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }  # fmt: skip


def ship(server: BackupServer) -> dict[str, Any]:
    """Ship the log and say how much."""
    shipment = ship_wal(server)
    return {"server": server.name, "log_files": shipment.files, "bytes": shipment.stored_bytes}
