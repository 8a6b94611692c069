"""What each system does with tenants, behind one interface: prepare, create, fill, migrate, switch."""

import importlib
import os
import secrets
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction

from tenants.accounts.models import Department
from tenants.models import Domain, Tenant
from tenants.tenancy import tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.directory import directory
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import provision_schema
from tenants.tenancy.spares import refill_spares, reserve_schema

MARKS = 5
SYSTEM = os.environ.get("BENCH_SYSTEM", "")


def host_of(number: int) -> str:
    """The host of the tenant with this number, in every system."""
    return f"b{number}.localhost"


class Readable(ABC):
    """Tables that can be read for a tenant; numbers name them."""

    alias = "default"

    @abstractmethod
    def prepare(self) -> None:
        """Shared tables, and whatever new tenants are made from."""

    @contextmanager
    @abstractmethod
    def working_for(self, number: int) -> Iterator[None]:
        """Switch to a tenant for one read, as the system's documentation says to."""

    def mark(self, numbers: list[int]) -> None:
        """Give tenants rows that say whose they are."""
        for number in numbers:
            with self.working_for(number):
                Department.objects.all().delete()
                Department.objects.bulk_create(
                    Department(name=f"{host_of(number)} {mark}", key=f"D{mark}") for mark in range(MARKS)
                )


class System(Readable):
    """One way to keep tenants."""

    @abstractmethod
    def create(self, number: int) -> None:
        """Make a tenant with its host, as the system's documentation says to."""

    @abstractmethod
    def fill(self, first: int, count: int) -> None:
        """Make many tenants in whatever way is quick; only what is done with them is measured."""

    @abstractmethod
    def migrate(self, way: str) -> None:
        """Bring every tenant to the newest migrations."""

    def has_field(self, number: int) -> bool:
        """Whether the tenant has the field that was added."""
        with self.working_for(number), connections[self.alias].cursor() as cursor:
            cursor.execute("SELECT count(bench_note) FROM tasks_task")
            return cursor.fetchone() is not None


class Plain(Readable):
    """Django with one set of tables and nothing to switch: what the others are compared with."""

    def prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self.mark([0])

    @contextmanager
    def working_for(self, number: int) -> Iterator[None]:
        yield


class Library(System):
    """What both libraries have in common: a model of tenants, one of hosts, a reference schema to clone."""

    app_label: str

    def create(self, number: int) -> None:
        company = self.model("Company")(schema_name=f"b{number}", name=f"Bench {number}")
        company.save(verbosity=0)
        self.model("Host")(domain=host_of(number), tenant=company, is_primary=True).save()

    def fill(self, first: int, count: int) -> None:
        """Schemas from a dump of the reference schema, rows of the directory beside them."""
        script = dump("reference")
        parts = settings.DATABASES["default"]
        with psycopg.connect(
            host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"],
            dbname=parts["NAME"],
        ) as connection:  # fmt: skip
            for number in range(first, first + count):
                connection.execute(script.replace("reference", f"b{number}").encode())
                connection.commit()
        make_company, make_host = self.model("Company"), self.model("Host")
        for number in range(first, first + count):
            company = make_company(schema_name=f"b{number}", name=f"Bench {number}")
            company.auto_create_schema = False
            company.save(verbosity=0)
            make_host(domain=host_of(number), tenant=company, is_primary=True).save()

    def model(self, name: str) -> Any:
        return apps.get_model(self.app_label, name)


class DjangoTenants(Library):
    """django-tenants: the tenant is an attribute of the connection."""

    app_label = "dt_directory"

    def __init__(self) -> None:
        self.utils = importlib.import_module("django_tenants.utils")

    def prepare(self) -> None:
        call_command("migrate_schemas", schema_name="public", interactive=False, verbosity=0)
        reference = self.model("Company")(schema_name="reference", name="Reference")
        reference.save(verbosity=0)

    def migrate(self, way: str) -> None:
        call_command("migrate_schemas", executor=way, tenant=True, interactive=False, verbosity=0)

    @contextmanager
    def working_for(self, number: int) -> Iterator[None]:
        with self.utils.schema_context(f"b{number}"):
            yield


class DjangoPgschemas(Library):
    """django-pgschemas: the tenant is a context variable, the search_path a session's."""

    app_label = "pgs_directory"

    def __init__(self) -> None:
        self.schema = importlib.import_module("django_pgschemas.schema")

    def prepare(self) -> None:
        call_command("migrateschema", schemas=["public"], interactive=False, verbosity=0)
        call_command("createrefschema", verbosity=0)

    def migrate(self, way: str) -> None:
        call_command(
            "migrateschema", include_tenant_schemas=True, parallel=way == "parallel", interactive=False,
            verbosity=0,
        )  # fmt: skip

    @contextmanager
    def working_for(self, number: int) -> Iterator[None]:
        with self.schema.override(self.schema.Schema.create(f"b{number}")):
            yield


class Ours(System):
    """This product."""

    alias = "cell_1"

    def prepare(self) -> None:
        prepare()

    def create(self, number: int) -> None:
        """Claims a spare schema where there is one, as onboarding does; else makes one."""
        with transaction.atomic(using="default"):
            place = reserve_schema(self.alias)
            tenant = Tenant.objects.create(
                id=place.tenant_id, slug=f"b{number}", name=f"Bench {number}", cell=self.alias,
                schema=place.schema, role=place.role,
            )  # fmt: skip
            Domain.objects.create(host=host_of(number), tenant=tenant, is_canonical=True)
        if not place.is_ready:
            provision_schema(tenant)
        tenant.state = Tenant.State.ACTIVE
        tenant.save(update_fields=["state", "updated_at"])

    def have_spares(self, count: int) -> None:
        """Bring the cell to ``count`` spare schemas."""
        refill_spares(self.alias, wanted=count)

    def fill(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.create(number)

    def migrate(self, way: str) -> None:
        """The command itself: template, ledger, fan-out."""
        call_command("migrate_tenants", stdout=StringIO())

    @contextmanager
    def working_for(self, number: int) -> Iterator[None]:
        tenant = directory.by_host(host_of(number))
        assert tenant is not None
        with tenant_scope(tenant), transaction.atomic(using=self.alias):
            yield


def dump(schema: str) -> str:
    """A schema with its rows as one script."""
    parts = settings.DATABASES["default"]
    done = subprocess.run(
        [
            str(settings.POSTGRES_BIN / "pg_dump"), "--no-owner", "--no-privileges", "--inserts",
            f"--schema={schema}", f"--host={parts['HOST']}", f"--port={parts['PORT']}",
            f"--username={parts['USER']}", parts["NAME"],
        ],
        check=True, capture_output=True, text=True, env={**os.environ, "PGPASSWORD": parts["PASSWORD"]},
    )  # fmt: skip
    lines = [
        line
        for line in done.stdout.splitlines()
        if not line.startswith(("\\", "SET ", "SELECT pg_catalog.set_c"))
    ]
    return "\n".join(lines)


def create_databases() -> None:
    """Make this system's databases anew."""
    drop_databases()
    if SYSTEM == "ours":
        return
    parts = settings.DATABASES["default"]
    with server() as connection:
        connection.execute(f'CREATE DATABASE "{parts["NAME"]}" TEMPLATE template0'.encode())
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"],
        dbname=parts["NAME"],
    ) as connection:  # fmt: skip
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")


def drop_databases() -> None:
    """Remove this system's databases and roles."""
    connections.close_all()
    with server() as connection:
        names = {entry["NAME"] for entry in settings.DATABASES.values()}
        for name in sorted(names):
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        if SYSTEM == "ours":
            found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'nb\\_%'").fetchall()
            for (role,) in found:
                connection.execute(f'DROP ROLE "{role}"'.encode())


@contextmanager
def server() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to the server's own database, outside any transaction."""
    if SYSTEM == "ours":
        with owner_connection("default_owner", database="postgres") as connection:
            connection.autocommit = True
            yield connection
        return
    parts = settings.DATABASES["default"]
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"],
        dbname="postgres", autocommit=True,
    ) as connection:  # fmt: skip
        yield connection


SYSTEMS: dict[str, type[Readable]] = {
    "plain": Plain,
    "django_tenants": DjangoTenants,
    "django_pgschemas": DjangoPgschemas,
    "ours": Ours,
}


def system() -> Readable:
    """The system this process was started for."""
    return SYSTEMS[SYSTEM]()


def timed(function: Any, *args: Any) -> float:
    """Seconds a call took."""
    started = time.perf_counter()
    function(*args)
    return time.perf_counter() - started


def fresh_number() -> int:
    """A number no tenant has."""
    return 1_000_000 + secrets.randbelow(1_000_000_000)
