"""How the embedded PostgreSQL keeps its write-ahead log for backups: a script it runs, and the folder it fills."""

import os
import shlex
import shutil
from pathlib import Path

SCRIPT = Path(__file__).with_name("archive_wal.sh")
# The name under which the control plane's server is backed up.
SERVER = "main"


def archive_settings(var: Path, folder: Path, account: str | None) -> dict[str, str]:
    """PostgreSQL's settings that leave every finished segment in ``folder``, made for ``account`` (None: our own).

    The script is copied to ``var``: the server's account may not be able to read this repository.
    """
    script = var / SCRIPT.name
    shutil.copyfile(SCRIPT, script)
    script.chmod(0o755)
    target = folder / SERVER
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o700)
    if account:
        for path in (target, *target.iterdir()):
            shutil.chown(path, account)
        _let_through(target, account)
    command = shlex.join(["sh", str(script)]).replace("%", "%%")
    place = shlex.quote(str(target)).replace("%", "%%")
    return {
        "summarize_wal": "on",
        "archive_mode": "on",
        "archive_timeout": "60",
        "archive_command": f'{command} "%p" "%f" {place}',
    }


def _let_through(target: Path, account: str) -> None:
    """Let the account reach ``target`` through the folders above it that are ours."""
    for folder in target.parents:
        status = folder.stat()
        if status.st_uid == os.geteuid() and not status.st_mode & 0o001:
            folder.chmod(status.st_mode & 0o7777 | 0o001)
