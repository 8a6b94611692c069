"""Only one demo at a time under one folder: two sandboxes must not write one journal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from tenants.foundation.errors import Conflict


def hold(path: Path) -> TextIO:
    """Return a locked file to keep open while the demo runs; the system lets go of it whatever happens.

    Raises: Conflict naming the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise Conflict(
            f"The demo already runs here, as process {holder}. Stop it first, or set another VAR_DIR.",
            code="demo.already_running",
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
