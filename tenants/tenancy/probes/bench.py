"""Two companies for the time of a probe run: one attacks, the other has something to lose; nothing of them stays."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.tenancy.context import TenantRef
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import SchemaPlace, drop_place, opaque_name, provision_schema

type Connection = psycopg.Connection[tuple[Any, ...]]
OWN_ROW = "a row of one's own"
MARK = "isolation probe"
LOCK = "SELECT pg_try_advisory_lock(hashtext('notion-task-sync isolation probe'))"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('notion-task-sync isolation probe'))"
ROW = """
INSERT INTO {schema}.accounts_department (id, name, key, color, created_at) VALUES (%s, %s, 'CANARY', 1, now())
"""
WORK = """
INSERT INTO public.tenants_workitem (id, tenant_id, tenant_role, kind, payload, priority, state, attempts, last_error)
VALUES (%s, %s, %s, 'probe.canary', jsonb_build_object('canary', %s::text), 100, 'done', 0, '')
"""
# Everything an attack could have changed, as text: rows and work of the other one, definitions and rights around
# both, what the roles are and what they left lying about.
WORLD: LiteralString = """
SELECT 'row ' || t::text FROM {other}.accounts_department t
UNION ALL SELECT 'own row ' || t::text FROM {mine}.accounts_department t
UNION ALL SELECT 'work ' || t::text FROM public.tenants_workitem t
          WHERE %(other_role)s IN (tenant_role) OR tenant_id IN (%(other_id)s, %(my_id)s)
UNION ALL SELECT 'queue ' || t::text FROM public.tenants_tenantqueue t WHERE tenant_id IN (%(other_id)s, %(my_id)s)
UNION ALL SELECT 'number ' || last_value FROM {other}.canary_seq
UNION ALL SELECT format('relation %%s.%%s %%s %%s %%s %%s %%s', nspname, relname, relkind, relacl, relrowsecurity,
                        relnatts, relhastriggers)
          FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ANY(%(schemas)s)
UNION ALL SELECT format('schema %%s %%s %%s', nspname, nspacl, obj_description(oid, 'pg_namespace'))
          FROM pg_namespace WHERE nspname = ANY(%(schemas)s) OR nspowner::regrole::text = ANY(%(roles)s)
UNION ALL SELECT format('function %%s %%s', proname, pronamespace::regnamespace) FROM pg_proc
          JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = ANY(%(schemas)s)
UNION ALL SELECT format('role %%s %%s %%s %%s %%s', rolname, rolsuper, rolbypassrls, rolcanlogin, rolconfig)
          FROM pg_roles WHERE rolname = ANY(%(roles)s)
UNION ALL SELECT format('setting %%s %%s', setdatabase, setconfig) FROM pg_db_role_setting
          WHERE (setrole = 0 OR setrole IN (SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s)))
            -- What somebody sets in other databases of the server meanwhile is no attack's doing.
            AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION ALL SELECT format('member %%s %%s', roleid::regrole, member::regrole) FROM pg_auth_members
          WHERE member IN (SELECT oid FROM pg_roles WHERE rolname = ANY(%(tenants)s))
             OR roleid IN (SELECT oid FROM pg_roles WHERE rolname = ANY(%(tenants)s))
UNION ALL SELECT format('large object %%s %%s', oid, lomacl) FROM pg_largeobject_metadata
          WHERE oid = %(large_object)s OR lomowner IN (SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s))
UNION ALL SELECT 'policy ' || polname FROM pg_policy
UNION ALL SELECT format('default rights %%s', defaclacl) FROM pg_default_acl
          WHERE defaclrole IN (SELECT oid FROM pg_roles WHERE rolname = ANY(%(tenants)s))
UNION ALL SELECT 'server ' || srvname FROM pg_foreign_server
UNION ALL SELECT 'publication ' || pubname FROM pg_publication
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """The attacker's company, the other one, what must not be seen of it, and names to attack it by."""

    mine: TenantRef
    other: TenantRef
    canary: str
    large_object: int
    owner: Connection
    victim: Connection
    values: dict[str, str]

    def fill(self, text: str) -> str:
        """A probe's text with the names of this run in it."""
        for name, value in self.values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def world(self) -> list[str]:
        """What an attack could have changed, one text per thing."""
        names = {
            name: sql.Identifier(tenant.schema)
            for name, tenant in (("mine", self.mine), ("other", self.other))
        }
        tenants = [self.mine.role, self.other.role]
        rows = self.owner.execute(
            sql.SQL(WORLD).format(**names),
            {
                "other_role": self.other.role, "other_id": self.other.id, "my_id": self.mine.id,
                "schemas": ["public", self.mine.schema, self.other.schema],
                "tenants": tenants, "roles": [*tenants, self.values["login"]], "large_object": self.large_object,
            },
        )  # fmt: skip
        return [str(text) for (text,) in rows.fetchall()]


@contextmanager
def bench(cell: str) -> Iterator[Bench]:
    """Two companies in ``cell`` that the directory does not know, dropped when the block ends.

    Raises: Conflict while another run is on in the cell.
    """
    login = settings.DATABASES[cell]
    with owner_connection(f"{cell}_owner") as owner:
        owner.autocommit = True
        row = owner.execute(LOCK).fetchone()
        if row is None or not row[0]:
            raise Conflict("The walls of this cell are just being probed.", code="tenancy.probe_runs")
        _tidy(owner)  # what a run that was killed has left
        try:
            mine, other = _company(owner, cell), _company(owner, cell)
            canary = f"canary-{secrets.token_hex(12)}"
            values, large_object = _furnish(owner, mine, other, canary)
            with psycopg.connect(
                host=login["HOST"], port=login["PORT"], user=login["USER"], password=login["PASSWORD"],
                dbname=login["NAME"], autocommit=True, connect_timeout=10,
            ) as victim:  # fmt: skip
                values |= {
                    "victim": str(victim.info.backend_pid), "login": login["USER"], "database": login["NAME"],
                    "owner": settings.DATABASES[f"{cell}_owner"]["USER"],
                    "directory": settings.DATABASES["default"]["NAME"],
                }  # fmt: skip
                yield Bench(mine, other, canary, large_object, owner, victim, values)
        finally:
            _tidy(owner)
            # The server notices the end of a connection a moment after us: the next run may be quicker.
            owner.execute(UNLOCK)


def _company(owner: Connection, cell: str) -> TenantRef:
    name = opaque_name()
    tenant = Tenant(
        id=uuid7(), slug=MARK.replace(" ", "-"), name=MARK, cell=cell, schema=name, role=name, state="active"
    )
    provision_schema(tenant)
    owner.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(name), sql.Literal(f"{MARK} {tenant.pk}"))
    )
    return tenant.ref


def _furnish(owner: Connection, mine: TenantRef, other: TenantRef, canary: str) -> tuple[dict[str, str], int]:
    schema, item = sql.Identifier(other.schema), uuid7()
    owner.execute(sql.SQL(ROW).format(schema=sql.Identifier(mine.schema)), [uuid7(), OWN_ROW])
    owner.execute(sql.SQL(ROW).format(schema=schema), [uuid7(), canary])
    owner.execute(WORK, [item, other.id, other.role, canary])
    owner.execute(sql.SQL("CREATE SEQUENCE {}.canary_seq").format(schema))
    row = owner.execute(
        "SELECT lo_from_bytea(0, convert_to(%s, 'UTF8')), (%s || '.canary_seq')::regclass::oid,"
        " %s::regnamespace::oid, %s::regrole::oid",
        [canary, other.schema, other.schema, other.role],
    ).fetchone()
    assert row is not None
    owner.execute(sql.SQL("COMMENT ON LARGE OBJECT {} IS {}").format(sql.Literal(row[0]), sql.Literal(MARK)))
    values = {
        "other": other.schema, "other_role": other.role, "other_id": str(other.id), "mine": mine.schema,
        "my_role": mine.role, "my_id": str(mine.id), "large_object": str(row[0]), "sequence": str(row[1]),
        "schema_oid": str(row[2]), "role_oid": str(row[3]),
        "work_item": str(item),
    }  # fmt: skip
    return values, int(row[0])


def _tidy(owner: Connection) -> None:
    """Drop every schema and large object that carries the mark."""
    rows = owner.execute(
        "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace"
        " WHERE obj_description(oid, 'pg_namespace') LIKE %s",
        [f"{MARK} %"],
    ).fetchall()
    for schema, comment in rows:
        with owner.transaction():
            drop_place(owner, SchemaPlace(comment.removeprefix(f"{MARK} "), schema, schema))
    owner.execute(
        "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE obj_description(oid, 'pg_largeobject') = %s",
        [MARK],
    )
