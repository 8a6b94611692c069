"""Writes the archive of one company: a ZIP with every file's length and hash in its signed manifest."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import RawIOBase
from typing import Any, Final

from tenants.lifecycle.export.catalogue import Table, tables_of
from tenants.lifecycle.export.left_out import LEFT_OUT
from tenants.lifecycle.export.rendering import Rows, csv_rows, json_rows
from tenants.lifecycle.export.snapshot import moment_of, reading_catalogs, snapshot
from tenants.lifecycle.export.stored_files import stored_files
from tenants.secrets.signing import sign_document
from tenants.tenancy import TenantRef

MANIFEST, KIND, FORMAT_VERSION = "manifest.json", "notion-task-sync.export", 1
# Level 6 takes twice the time for a few hundredths less.
COMPRESSION: Final = 4
README: Final = """\
Everything the company “{name}” keeps in Notion Task Sync, as it was on {moment} (UTC).

tables/NAME.ndjson  one JSON object a line; for programs, complete and exact
csv/NAME.csv        the same rows for spreadsheets; texts that a spreadsheet would run as a formula
                    (they begin with = + - @, a tab or a line's end) have an apostrophe before them
schema.json         tables, columns, types and references; how each column is written
files/              the files that were uploaded
manifest.json       lengths and SHA-256 of all of these, what was left out and why, signed

Passwords, keys and sessions are not in it, and the values of connections' tokens neither; the manifest names each.
“manage.py verify_document THIS.zip --keys KEYS” checks the signature and every file, without a connection to
anywhere; the public keys are at {keys}.
"""

type Beat = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What an archive holds: rows of all tables, tables and stored files, and when its moment was."""

    rows: int
    tables: int
    files: int
    moment: datetime


class Archive:
    """A ZIP under construction. Every entry is written once, from front to back, and hashed on its way."""

    def __init__(self, target: RawIOBase) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION)
        self.entries: list[dict[str, Any]] = []

    def add(self, path: str, parts: Iterable[bytes], *, moment: datetime) -> dict[str, Any]:
        """Write one file and return its entry of the manifest."""
        digest, length = hashlib.sha256(), 0
        info = zipfile.ZipInfo(path, moment.timetuple()[:6])
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for part in parts:
                entry.write(part)
                digest.update(part)
                length += len(part)
        found = {"path": path, "bytes": length, "sha256": digest.hexdigest()}
        self.entries.append(found)
        return found

    def close(self) -> None:
        """Write the directory of the ZIP."""
        self._zip.close()


def write_archive(
    target: RawIOBase, *, tenant: TenantRef, export_id: str, asked_by: str, keys_url: str, beat: Beat
) -> Written:
    """Write the whole archive to ``target``; ``beat`` is told the table and the rows so far, every few rows.

    Raises: what the database, the storage and the vault raise; ``target`` is then worthless.
    """
    archive = Archive(target)
    with snapshot(tenant) as connection:
        moment = moment_of(connection).astimezone(UTC)
        with reading_catalogs(connection, tenant):
            tables = tables_of(connection, tenant.schema)
        counts: list[dict[str, Any]] = []
        total = 0
        for table in tables:
            if not table.is_exported:
                continue
            rows = json_rows(connection, tenant.schema, table)
            archive.add(
                f"tables/{table.name}.ndjson", _told(rows, table.name, total, rows, beat), moment=moment
            )
            lines = csv_rows(connection, tenant.schema, table)
            archive.add(f"csv/{table.name}.csv", _told(lines, table.name, total, rows, beat), moment=moment)
            counts.append({"table": table.name, "rows": rows.count})
            total += rows.count
    files = 0
    for stored in stored_files(tenant):
        beat(stored.name, total)
        with stored.opened() as parts:
            archive.add(f"files/{stored.name}", parts, moment=moment)
        files += 1
    archive.add("schema.json", [_json({"tables": [each.as_json() for each in tables]})], moment=moment)
    text = README.format(name=tenant.name, moment=f"{moment:%Y-%m-%d %H:%M}", keys=keys_url)
    archive.add("README.txt", [text.encode()], moment=moment)
    manifest = sign_document(
        {
            "kind": KIND,
            "format": FORMAT_VERSION,
            "export_id": export_id,
            "company": {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name},
            "asked_by": asked_by,
            "moment": moment.isoformat(),
            "tables": counts,
            "files": list(archive.entries),
            "left_out": [each.as_json() for each in LEFT_OUT if _is_there(tables, each.table, each.column)],
            "csv_formulas": "neutralised with a leading apostrophe",
        }
    )
    archive.add(MANIFEST, [_json(manifest.as_json())], moment=moment)
    archive.close()
    return Written(rows=total, tables=len(counts), files=files, moment=moment)


def _told(parts: Rows, table: str, before: int, counted: Rows, beat: Beat) -> Iterator[bytes]:
    for part in parts:
        yield part
        beat(table, before + counted.count)


def _is_there(tables: list[Table], name: str, column: str | None) -> bool:
    for table in tables:
        if table.name == name:
            return column is None or any(each.name == column for each in table.columns)
    return False


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
