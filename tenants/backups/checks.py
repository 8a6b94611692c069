"""What ``manage.py check --deploy`` says about backups."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning, register

from tenants.backups.errors import BackupFailed
from tenants.backups.servers import are_backups_on, backup_servers


@register("backups", deploy=True)
def check_backups(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Backups are on, and every server has a role that may take them."""
    if not are_backups_on():
        return [
            Warning(
                "There are no backups: BACKUP_DIR is not set.",
                hint="Set it to a folder on another machine; docs/operations.md says how to do without.",
                id="tenants.W101",
            )
        ]
    try:
        servers = backup_servers()
    except BackupFailed as error:
        return [Warning(error.message, id="tenants.W102")]
    return [
        Warning(
            f"Nothing brings the write-ahead log of the server {server.name} to {server.wal_folder}.",
            hint="Make the folder and have the server's archive_command, or pg_receivewal, write there.",
            id="tenants.W103",
        )
        for server in servers
        if not server.wal_folder.is_dir()
    ]
