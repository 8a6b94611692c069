"""``manage.py restore_server FOLDER``: a server's data directory from the repository, when the server is lost."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.backups.servers import MAIN
from tenants.backups.whole_server import restore_server
from tenants.foundation.errors import DomainError
from tenants.lifecycle.restoring.services import parse_moment


class Command(BaseCommand):
    requires_system_checks = []  # there may be no database left to connect to
    help = "Makes a data directory of the backups; PostgreSQL started on it recovers. Needs BACKUP_DIR and the keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", type=Path, help="an empty folder; the data directory will be in it as “data”"
        )
        parser.add_argument(
            "--server", default=MAIN, help="main, or the alias of its first cell (default: main)"
        )
        parser.add_argument("--to", metavar="MOMENT", help="with its zone; without it as far as the log goes")
        parser.add_argument(
            "--backup",
            type=UUID,
            metavar="ID",
            help="begin with this one (default: the newest before the moment)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            moment = parse_moment(options["to"]) if options["to"] else None
            done = restore_server(
                options["server"], options["folder"].resolve(), to=moment, backup_id=options["backup"]
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        told = {"data": str(done.data), "backup": str(done.backup.id), "log_files": done.log_files}
        text = (
            f"Start PostgreSQL on {done.data}. It begins with the backup of {done.backup.finished_at:%Y-%m-%d %H:%M} "
            f"UTC and reads {done.log_files} files of the log; remove {done.data.parent / 'wal'} when it has come up."
        )
        self.stdout.write(json.dumps(told) if options["json"] else text)
