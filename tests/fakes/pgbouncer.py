"""A PgBouncer in transaction mode on the loopback address, before the databases of this test process."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from config.embedded import LOOPBACK, free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
# It refuses to run as root; the first of these accounts that exists runs it then.
ACCOUNTS = ("embedded_postgres", "postgres", "nobody")
START_SECONDS = 10.0


class PgBouncer:
    """One running PgBouncer. Databases keep their names; the login role signs in with its own password.

    ``pool_size`` server connections per database are shared by all clients, and none is older than
    ``server_lifetime`` seconds when it is lent.
    """

    def __init__(self, *, pool_size: int, server_lifetime: int = 3600) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="nts-pgbouncer-"))
        self._login = settings.DATABASES["default"]
        self._write(pool_size, server_lifetime)
        account = next((name for name in ACCOUNTS if _exists(name)), None) if os.geteuid() == 0 else None
        if account:
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, account)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "--quiet", str(self._folder / "pgbouncer.ini")],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=account, group=_group_of(account),
                cwd=self._folder,
            )  # fmt: skip
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it, and forget its files."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url_of(self, alias: str) -> dict[str, Any]:
        """How the driver reaches the database of ``alias`` through it, as the login role."""
        parts = settings.DATABASES[alias]
        return {
            "host": LOOPBACK, "port": self.port, "user": parts["USER"], "password": parts["PASSWORD"],
            "dbname": parts["NAME"], "connect_timeout": 10,
        }  # fmt: skip

    def admin(self, command: str) -> list[dict[str, Any]]:
        """Answer a command of its own console (``SHOW POOLS``, ``RECONNECT``)."""
        with psycopg.connect(
            **self.url_of("default") | {"dbname": "pgbouncer"}, autocommit=True
        ) as connection:
            cursor = connection.execute(command.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

    @contextmanager
    def before(self, *aliases: str) -> Iterator[None]:
        """Connections of these aliases that are opened inside go through it; those of other threads too."""
        kept = {
            alias: (connections.settings[alias]["HOST"], connections.settings[alias]["PORT"])
            for alias in aliases
        }
        self._point({alias: (LOOPBACK, str(self.port)) for alias in aliases})
        try:
            yield
        finally:
            self._point(kept)

    def _point(self, places: dict[str, tuple[str, str]]) -> None:
        for alias, (host, port) in places.items():
            connections[alias].close()
            # Every thread's wrapper of the alias holds this same dictionary.
            connections.settings[alias].update(HOST=host, PORT=port)

    def _write(self, pool_size: int, server_lifetime: int) -> None:
        server = f"host={self._login['HOST']} port={self._login['PORT']}"
        user, password = self._login["USER"], self._login["PASSWORD"]
        (self._folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        (self._folder / "log").touch()
        (self._folder / "pgbouncer.ini").write_text(f"""[databases]
* = {server}
[pgbouncer]
listen_addr = {LOOPBACK}
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {self._folder / "users.txt"}
admin_users = {user}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_lifetime = {server_lifetime}
server_round_robin = 1
""")

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                self.admin("SHOW VERSION")
                return
            time.sleep(0.05)
        text = (self._folder / "log").read_text()
        self.stop()
        raise RuntimeError(f"PgBouncer did not start:\n{text}")


@contextmanager
def pgbouncer(*, pool_size: int, server_lifetime: int = 3600) -> Iterator[PgBouncer]:
    """A PgBouncer for the length of the block."""
    running = PgBouncer(pool_size=pool_size, server_lifetime=server_lifetime)
    try:
        yield running
    finally:
        running.stop()


def _exists(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True


def _group_of(account: str | None) -> int | None:
    return pwd.getpwnam(account).pw_gid if account else None
