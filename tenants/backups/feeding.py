"""Gives a recovering server the write-ahead log, segment by segment, as it asks for them."""

import contextlib
import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from tenants.backups.errors import BackupFailed
from tenants.backups.sealing import read_sealed
from tenants.backups.segments import ARCHIVED, SEGMENT, segment_at, segment_index, timeline_of
from tenants.backups.wal import wal_folder, wal_name

log = structlog.get_logger(__name__)
SCRIPT: Final = Path(__file__).with_name("fetch_wal.sh")
_LOOK_SECONDS: Final = 0.01


class WalFeeder:
    """A thread that decrypts what ``fetch_wal.sh`` asks for, and the segment after it; ``error`` is why it could not.

    Only a few segments lie in the clear at any time, in the scratch folder.
    """

    def __init__(self, server: str, folder: Path, *, account: str | None, segment_bytes: int) -> None:
        self.folder, self.error, self.served = folder, None, 0
        self._server, self._account, self._segment_bytes = server, account, segment_bytes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wal-feeder", daemon=True)
        for name in ("wanted", "offered", "missing", "failed"):
            place = folder / name
            place.mkdir(mode=0o700, parents=True)
            if account:
                shutil.chown(place, account)

    error: Exception | None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=30)

    @property
    def command(self) -> str:
        """The server's restore_command; the script is beside the folder, where the server's account can read it."""
        script = self.folder / SCRIPT.name
        shutil.copyfile(SCRIPT, script)
        script.chmod(0o755)
        return f'sh "{script}" "%f" "%p" "{self.folder}"'

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            for path in sorted((self.folder / "wanted").iterdir()):
                self._answer(path.name)
                path.unlink(missing_ok=True)

    def _answer(self, name: str) -> None:
        try:
            if self._offer(name):
                self.served += 1
                if SEGMENT.match(name):
                    self._offer(self._next(name))
            else:
                (self.folder / "missing" / name).touch()
        except (BackupFailed, OSError) as error:
            log.error("restore.wal_unreadable", segment=name, error=str(error))
            self.error = error
            (self.folder / "failed" / name).touch()

    def _offer(self, name: str) -> bool:
        source, target = wal_folder(self._server) / name, self.folder / "offered" / name
        if target.exists():
            return True
        if not ARCHIVED.match(name) or not source.exists():
            return False
        temporary = self.folder / f".{name}"
        try:
            with temporary.open("wb") as file:
                for piece in read_sealed(source, wal_name(self._server, name)):
                    file.write(piece)
            if self._account:
                shutil.chown(temporary, self._account)
            temporary.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        return True

    def _next(self, name: str) -> str:
        index = segment_index(name, self._segment_bytes) + 1
        return segment_at(index, timeline_of(name), self._segment_bytes)
