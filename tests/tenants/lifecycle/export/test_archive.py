"""An archive is complete, exact, signed, and keeps secrets to itself."""

import base64
import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest
from django.core.management import call_command
from psycopg import sql

from tenants.foundation.signing import SignatureInvalid, SignedDocument
from tenants.lifecycle.export.archive import write_archive
from tenants.lifecycle.export.left_out import LEFT_OUT, rule_for
from tenants.models import Operation
from tenants.secrets.signing import verify_document
from tenants.tenancy import TenantRef
from tenants.tenancy.databases import owner_connection
from tests.companies import create_company, drop_company
from tests.factories.companies import AWKWARD, FILES, TOKEN

# Columns whose names sound like a secret and that hold none.
LOOKED_AT = {
    ("accounts_department", "key"), ("tasks_task", "key"), ("tasks_task", "key_prefix"), ("tasks_project", "key"),
    ("integrations_connection", "token_changed_at"), ("integrations_connection", "token_secret_id"),
    ("integrations_connection", "lease_token"), ("integrations_externallink", "content_hash"),
    ("integrations_externallink", "body_hash"), ("integrations_oauthgrant", "refresh_secret_id"),
    ("integrations_webhooksubscription", "signing_secret_id"), ("integrations_webhooksubscription", "key_came_at"),
    ("integrations_webhooksubscription", "pending_secret_id"),
    ("accounts_accessdenial", "token_id"), ("accounts_rolebinding", "token_id"),
    ("accounts_identityprovider", "client_secret_id"), ("accounts_serviceproviderkey", "private_key_id"),
    ("accounts_usedassertion", "assertion_hash"), ("accounts_authenticatorapp", "secret_id"),
    ("accounts_accesspolicy", "token_max_days"), ("accounts_scimperson", "user_name_key"),
    ("branding_mailserver", "password_id"),
    ("secrets_secret", "key_version"), ("secrets_secret", "last4"),
}  # fmt: skip
SOUNDS_SECRET = ("password", "hash", "token", "secret", "key", "sealed", "session", "last4", "otp", "cookie")
FILLERS = {"password": "!", "key": "left out", "address_key": "left out"}


def columns_of(tenant: TenantRef) -> list[tuple[str, str]]:
    with owner_connection(f"{tenant.cell}_owner") as connection:
        return connection.execute(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = %s",
            [tenant.schema],
        ).fetchall()  # type: ignore[return-value]


def test_every_table_and_column_is_exported_or_named_as_left_out(
    company: TenantRef, archive: zipfile.ZipFile, manifest: dict[str, Any]
) -> None:
    named = {(each["table"], each["column"]) for each in manifest["left_out"]}
    tables = {each["name"]: each for each in json.loads(archive.read("schema.json"))["tables"]}
    exported = {(name, each["name"]) for name, table in tables.items() for each in table["columns"]}
    files = set(archive.namelist())
    for table, column in columns_of(company):
        if f"tables/{table}.ndjson" in files:
            assert f"csv/{table}.csv" in files
            assert ((table, column) in exported) or ((table, column) in named), (table, column)
        else:
            assert (table, None) in named, table
    assert named == {(each.table, each.column) for each in LEFT_OUT}
    assert all(each["reason"] for each in manifest["left_out"])


def test_a_column_that_sounds_like_a_secret_is_left_out_or_was_looked_at(company: TenantRef) -> None:
    undecided = [
        (table, column)
        for table, column in columns_of(company)
        if any(word in column for word in SOUNDS_SECRET)
        and rule_for(table) is None and rule_for(table, column) is None and (table, column) not in LOOKED_AT
    ]  # fmt: skip
    assert undecided == []


def test_no_secret_is_in_the_archive(company: TenantRef, archive: zipfile.ZipFile) -> None:
    with owner_connection(f"{company.cell}_owner") as connection:
        schema = sql.Identifier(company.schema)
        secret = [TOKEN.encode()]
        for table, column in (
            ("accounts_user", "password"), ("accounts_apitoken", "secret_hash"), ("accounts_invitation", "token_hash"),
            ("secrets_secret", "sealed"), ("django_session", "session_key"),
        ):  # fmt: skip
            query = sql.SQL("SELECT {} FROM {}.{}").format(
                sql.Identifier(column), schema, sql.Identifier(table)
            )
            values = [row[0] for row in connection.execute(query).fetchall()]
            assert values, table
            for value in values:
                raw = value if isinstance(value, bytes) else str(value).encode()
                secret += [raw, base64.b64encode(raw), raw.hex().encode()]
    for name in archive.namelist():
        content = archive.read(name)
        assert not [each for each in secret if each in content], name
    row = json.loads(archive.read("tables/secrets_secret.ndjson"))
    assert row["sealed"] == "[redacted]"
    assert row["name"] == "token"


def test_the_rows_imported_again_are_the_rows_there_were(
    company: TenantRef, archive: zipfile.ZipFile
) -> None:
    copy = create_company()
    try:
        tables = [each for each in json.loads(archive.read("schema.json"))["tables"] if each["is_exported"]]
        with owner_connection(f"{company.cell}_owner") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for table in tables:
                name = sql.Identifier(copy.schema, table["name"])
                connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
            drop_references(connection, copy.schema)
            for table in tables:
                put_back(connection, copy.schema, table, archive.read(f"tables/{table['name']}.ndjson"))
            filled = 0
            for table in tables:
                before, after = (hash_of(connection, each, table) for each in (company.schema, copy.schema))
                assert before == after, table["name"]
                filled += before[0] > 0
            assert filled > 12
    finally:
        drop_company(copy)


def drop_references(connection: Any, schema: str) -> None:
    """The order in which tables are filled does not matter to a schema without references."""
    for table, name in connection.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE connamespace = %s::regnamespace AND contype = 'f'", [schema],
    ).fetchall():  # fmt: skip
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name))
        )


def put_back(connection: Any, schema: str, table: dict[str, Any], lines: bytes) -> None:
    """Insert what one file of the archive holds, by nothing but what ``schema.json`` says of it."""
    target = sql.Identifier(schema, table["name"])
    connection.execute(sql.SQL("DELETE FROM {}").format(target))
    columns = [each for each in table["columns"] if not each["is_generated"]]
    left_out = [each.column for each in LEFT_OUT if each.table == table["name"] and each.how == "left_out"]
    names = [each["name"] for each in columns] + [str(each) for each in left_out]
    query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        target, sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join([sql.Placeholder()] * len(names))
    )  # fmt: skip
    for number, line in enumerate(lines.splitlines()):
        row = json.loads(line)
        values = [back(row[each["name"]], each["exported_as"]) for each in columns]
        fillers = [FILLERS.get(str(each), f"left out {number}".encode()) for each in left_out]
        connection.execute(query, values + fillers)


def back(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "json":
        return json.dumps(value)
    if kind == "[redacted]":
        return value.encode()
    return base64.b64decode(value) if kind == "base64" else value


def hash_of(connection: Any, schema: str, table: dict[str, Any]) -> tuple[int, str]:
    """How many rows, and a hash over every exported value that is not redacted."""
    names = [each["name"] for each in table["columns"] if each["exported_as"] != "[redacted]"]
    query = sql.SQL(
        "SELECT count(*), coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM (SELECT {} FROM {}) r"
    ).format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table["name"]))
    count, digest = connection.execute(query).fetchone()
    return count, digest


def test_uploaded_files_are_in_it_as_they_are(archive: zipfile.ZipFile, export: Operation) -> None:
    found = {name[6:]: archive.read(name) for name in archive.namelist() if name.startswith("files/")}
    assert found == FILES
    assert export.result["files"] == len(FILES)


def test_memory_does_not_grow_with_the_rows(company: TenantRef) -> None:
    with owner_connection(f"{company.cell}_owner") as connection:
        connection.execute(
            sql.SQL(
                "INSERT INTO {} (id, key_prefix, number, title, description, status, priority, tags, source,"
                " source_url, created_at, updated_at) SELECT gen_random_uuid(), 'M', i, 'Task', repeat('words ', 200),"
                " 'planned', 0, '{{}}', '', '', now(), now() FROM generate_series(1, 20000) i"
            ).format(sql.Identifier(company.schema, "tasks_task"))
        )
    sink = Sink()
    tracemalloc.start()
    try:
        written = write_archive(
            sink, tenant=company, export_id="x", asked_by="", keys_url="", beat=lambda _table, _rows: None
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written.rows > 20_000  # 25 MB as NDJSON and as much again as CSV
    assert peak < 8_000_000


class Sink(io.RawIOBase):
    """Takes everything in and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def test_manifest_and_files_agree_and_the_signature_holds(
    archive: zipfile.ZipFile, manifest: dict[str, Any], export: Operation, company: TenantRef
) -> None:
    signed = SignedDocument.from_json(json.loads(archive.read("manifest.json")))
    verify_document(signed)
    assert {each["path"] for each in manifest["files"]} == set(archive.namelist()) - {"manifest.json"}
    for each in manifest["files"]:
        content = archive.read(each["path"])
        assert len(content) == each["bytes"]
        assert hashlib.sha256(content).hexdigest() == each["sha256"]
    for each in manifest["tables"]:
        assert len(archive.read(f"tables/{each['table']}.ndjson").splitlines()) == each["rows"]
    assert manifest["company"]["id"] == str(company.id)
    assert sum(each["rows"] for each in manifest["tables"]) == export.result["rows"]
    with pytest.raises(SignatureInvalid):
        verify_document(
            SignedDocument({**manifest, "asked_by": "Somebody Else"}, signed.signature, signed.key_id)
        )


def test_the_manifest_is_verified_offline(archive: zipfile.ZipFile, tmp_path: Any) -> None:
    keys, out = io.StringIO(), io.StringIO()
    call_command("signing_keys", "--json", stdout=keys)
    (tmp_path / "keys.json").write_text(keys.getvalue())
    archive.extract("manifest.json", tmp_path)
    call_command(
        "verify_document", str(tmp_path / "manifest.json"), "--keys", str(tmp_path / "keys.json"), stdout=out
    )
    assert out.getvalue().startswith("Valid:")


def test_a_spreadsheet_runs_nothing_and_programs_read_the_texts_as_they_are(archive: zipfile.ZipFile) -> None:
    rows = list(csv.DictReader(io.StringIO(archive.read("csv/tasks_task.csv").decode(), newline="")))
    assert len(rows) == 3
    titles = {row["title"] for row in rows}
    assert titles == {"'" + AWKWARD[0], AWKWARD[2], "'-2+3"}
    assert {row["description"] for row in rows} == {AWKWARD[1], ""}
    for name in archive.namelist():
        if name.startswith("csv/"):
            for row in csv.reader(io.StringIO(archive.read(name).decode(), newline="")):
                assert not [cell for cell in row if cell[:1] in {"=", "+", "@", "\t", "\r", "\n", "＝"}], name
    exact = {json.loads(line)["title"] for line in archive.read("tables/tasks_task.ndjson").splitlines()}
    assert exact == {AWKWARD[0], AWKWARD[2], "-2+3"}


def test_types_keep_what_they_are(archive: zipfile.ZipFile) -> None:
    rows = [json.loads(line) for line in archive.read("tables/tasks_task.ndjson").splitlines()]
    assert ["a,b", 'c"d', "-1"] in [row["tags"] for row in rows]
    assert "1234.50" in [row["estimate_hours"] for row in rows]
    assert all(row["created_at"].endswith("+00:00") for row in rows)
    (collection,) = map(json.loads, archive.read("tables/integrations_syncedcollection.ndjson").splitlines())
    assert collection["schema"] == [{"id": "x", "big": 2**60, "part": 0.1}]
