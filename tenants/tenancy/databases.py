"""The databases themselves: made where missing, their shared tables migrated, the login role given its rights."""

from pathlib import Path

import psycopg
import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.tenancy.errors import OwnerElsewhere
from tenants.tenancy.shared_tables import number_shared_rows

log = structlog.get_logger(__name__)
RIGHTS = Path(__file__).with_name("roles.sql")
TENANT_GROUP = "nts_tenant"


def owner_connection(alias: str, *, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    """A raw connection as the owner of ``alias``'s database, for changes of schemas, which no request may make.

    Raises: OwnerElsewhere in a process that was not given the owner.
    """
    parts = settings.DATABASES[alias]
    if not parts["NAME"]:
        raise OwnerElsewhere(
            f"This process has no connection for {alias}: DATABASE_OWNER_URL, or the cell's owner_url, is not set."
        )
    return psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"],
        dbname=database or parts["NAME"], application_name="notion-task-sync owner", connect_timeout=10,
        options="-c lock_timeout=5s",
    )  # fmt: skip


def may_change_schemas() -> bool:
    """Whether this process was given the owner's connections."""
    return all(settings.DATABASES[alias]["NAME"] for alias in owner_aliases())


def owner_aliases() -> list[str]:
    """Aliases under which the owner reaches the control plane, the template and every cell."""
    return ["default_owner", "template", *(f"{cell}_owner" for cell in settings.CELLS)]


def prepare_databases() -> None:
    """Bring every database to the state this release needs. Safe to run again; hold :class:`OneAtATime` around it.

    Raises: Conflict with the name of a database that is missing and cannot be made by the owner role.
    """
    for alias in owner_aliases():
        create_database(alias)
    migrate_shared_tables("default_owner")
    for cell in settings.CELLS:
        migrate_shared_tables(f"{cell}_owner")


def create_database(alias: str) -> bool:
    """Make the database of ``alias`` and its extensions unless it exists; returns whether it was made."""
    name = settings.DATABASES[alias]["NAME"]
    made = False
    if not database_exists(alias):
        try:
            with owner_connection(alias, database="postgres") as connection:
                connection.autocommit = True
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
                )
        except psycopg.errors.DuplicateDatabase:
            pass
        except psycopg.Error as error:
            raise Conflict(f"The database {name} does not exist and could not be made: {error}") from error
        made = True
        log.info("database.created", database=name)
    if alias != "default_owner":
        with owner_connection(alias) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
    return made


def database_exists(alias: str) -> bool:
    """Whether the database of ``alias`` can be reached by its owner."""
    try:
        owner_connection(alias).close()
    except psycopg.OperationalError as error:
        if "does not exist" in str(error):
            return False
        raise
    return True


def migrate_shared_tables(alias: str) -> None:
    """Run the migrations of the control plane or of a cell's shared tables, then give the login role its rights."""
    call_command("migrate", database=alias, interactive=False, verbosity=0)
    connections[alias].close()
    login = settings.DATABASES[alias.removesuffix("_owner")]["USER"]
    script = RIGHTS.read_text().replace(":login", sql.Identifier(login).as_string(None))
    kind = "control" if alias == "default_owner" else "cell"
    with owner_connection(alias) as connection:
        if kind == "cell":
            number_shared_rows(connection)
        connection.execute(script.partition(f"-- section: {kind}")[2].partition("-- section:")[0].encode())


class OneAtATime:
    """An advisory lock on the server's own database: two processes never prepare at once."""

    def __enter__(self) -> None:
        self.connection = owner_connection("default_owner", database="postgres")
        self.connection.autocommit = True
        self.connection.execute("SET lock_timeout = 0")
        self.connection.execute("SELECT pg_advisory_lock(hashtext('notion-task-sync prepare'))")

    def __exit__(self, *error: object) -> None:
        self.connection.close()
