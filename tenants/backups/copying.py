"""One schema on its way from a restored server to a live cell: dumped under a new name, sealed, put in at once."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from django.conf import settings
from psycopg import sql

from tenants.backups.errors import BackupFailed
from tenants.backups.sealing import SealedFile, read_sealed
from tenants.backups.servers import Access, Connection, last_lines, program, repository_folder

_READ_BYTES: Final = 1024 * 1024
NO_OWNERS: Final = ("--no-owner", "--no-privileges")
# Tables that travel in the schema: what the cell's shared tables knew of the company at that moment.
WORK: Final = "nts_restored_work"
LEDGER: Final = "nts_restored_ledger"
SHARED: Final = sql.SQL("""
CREATE TABLE {work} AS SELECT * FROM public.tenants_workitem
  WHERE tenant_id = {tenant} AND state IN ('ready', 'handed', 'running');
CREATE TABLE {ledger} AS SELECT app, name, applied_at FROM public.tenants_migrationledger WHERE tenant_id = {tenant}
""")


def rename_with_shared_rows(connection: Connection, *, schema: str, to: str, tenant_id: UUID) -> None:
    """Give the copy's schema the name it will be put in under, with the company's rows of the shared tables in it."""
    with connection.transaction():
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(to))
        )
        connection.execute(
            SHARED.format(
                work=sql.Identifier(to, WORK), ledger=sql.Identifier(to, LEDGER), tenant=sql.Literal(tenant_id)
            ).as_bytes(connection)
        )  # fmt: skip


def dump_schema(
    access: Access, database: str, schema: str, file: SealedFile, *, beat: Callable[[], None]
) -> None:
    """Dump a schema into a sealed file. Raises: BackupFailed with pg_dump's words."""
    command = [
        program("pg_dump"), "--format=custom", "--compress=0", *NO_OWNERS, f"--schema={schema}", "--no-password",
        f"--dbname={database}",
    ]  # fmt: skip
    with _complaints() as errors:
        with subprocess.Popen(  # noqa: S603 - the program and its arguments are ours
            command, stdout=subprocess.PIPE, stderr=errors, env=access.environment
        ) as process:
            assert process.stdout is not None
            try:
                while piece := process.stdout.read(_READ_BYTES):
                    file.write(piece)
                    beat()
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise BackupFailed(f"pg_dump failed: {_words(errors)}")


def load_schema(
    environment: Mapping[str, str], database: str, pieces: Iterator[bytes], *, beat: Callable[[], None]
) -> None:
    """Put a dump in, in one transaction: all of it or nothing. Raises: BackupFailed, and what ``pieces`` raises."""
    command = [
        program("pg_restore"), "--single-transaction", "--exit-on-error", *NO_OWNERS, "--no-password",
        f"--dbname={database}",
    ]  # fmt: skip
    with _complaints() as errors:
        process = subprocess.Popen(  # noqa: S603 - the program and its arguments are ours
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=dict(environment)
        )
        assert process.stdin is not None
        try:
            for piece in pieces:
                process.stdin.write(piece)
                beat()
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended before its time, and says why
        except BaseException:
            process.kill()  # the server undoes the transaction
            process.wait()
            raise
        if process.wait():
            raise BackupFailed(f"pg_restore failed: {_words(errors)}")


def dump_path(server: str, operation_id: UUID) -> Path:
    """Where a restore's dump is kept, sealed, until the restore has ended: another worker may take it over."""
    return repository_folder() / server / "restores" / f"{operation_id}.dump"


def dump_name(server: str, operation_id: UUID) -> str:
    """What a dump is called where it is authenticated."""
    return f"{server}/restores/{operation_id}.dump"


def stored_dump(server: str, operation_id: UUID) -> Iterator[bytes]:
    """A dump's content. Raises: BackupBroken."""
    return read_sealed(dump_path(server, operation_id), dump_name(server, operation_id))


def owner_environment(alias: str) -> tuple[dict[str, str], str]:
    """The environment in which programs reach a database as its owner, and the database's name."""
    parts = settings.DATABASES[alias]
    access = Access(parts["HOST"], str(parts["PORT"]), parts["USER"], parts["PASSWORD"])
    return access.environment, str(parts["NAME"])


@contextmanager
def _complaints() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


def _words(errors: IO[bytes]) -> str:
    errors.seek(0)
    return last_lines(errors.read().decode(errors="replace"))
