"""Two cells have their content types and permissions under the same ids, whatever happened to them before."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections

from tenants.foundation.errors import Conflict
from tenants.tenancy.databases import migrate_shared_tables, owner_connection
from tenants.tenancy.shared_tables import _moves, differences, id_of, number_shared_rows, require_equal_cells

PERMISSION = """
SELECT p.id, t.app_label || '.' || t.model || '.' || p.codename FROM auth_permission p
JOIN django_content_type t ON t.id = p.content_type_id
"""


def rows(cell: str) -> dict[object, object]:
    with owner_connection(f"{cell}_owner") as owner:
        types = "SELECT id, app_label || '.' || model FROM django_content_type"
        return {
            number: name for query in (types, PERMISSION) for number, name in owner.execute(query.encode())
        }


def diverge(cell: str) -> None:
    """Number the cell's rows as another history of migrations would have, ids of the one being those of the other."""
    with owner_connection(f"{cell}_owner") as owner:
        owner.execute("SET CONSTRAINTS ALL DEFERRED")
        for table, references in (
            ("auth_permission", "auth_group_permissions SET permission_id"),
            ("django_content_type", "auth_permission SET content_type_id"),
        ):
            numbering = f"(SELECT id AS old, row_number() OVER (ORDER BY id DESC) AS new FROM {table})"
            owner.execute(f"CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT * FROM {numbering} n".encode())
            column = references.rpartition(" ")[2]
            owner.execute(f"UPDATE {references} = moved.new FROM moved WHERE {column} = moved.old".encode())
            owner.execute(f"UPDATE {table} SET id = -moved.new FROM moved WHERE id = moved.old".encode())
            owner.execute(f"UPDATE {table} SET id = -id".encode())
            owner.execute("DROP TABLE moved")


def test_the_cells_are_equal_once_they_are_prepared(databases: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        assert differences() == {}
        assert rows("cell_1") == rows("cell_2")
        assert rows("cell_1")[id_of("tasks.task")] == "tasks.task"


def test_ids_that_had_diverged_are_made_equal_and_what_refers_to_them_follows(
    databases: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        with owner_connection("cell_2_owner") as owner:
            owner.execute("INSERT INTO auth_group (id, name) VALUES (1, 'readers')")
            owner.execute(
                "INSERT INTO auth_group_permissions (id, group_id, permission_id) SELECT 1, 1, id FROM"
                " auth_permission WHERE codename = 'view_task'"
            )
        try:
            diverge("cell_2")
            assert rows("cell_1") != rows("cell_2")
            assert any("tasks.task has the id" in line for line in differences()["cell_2"])
            migrate_shared_tables("cell_2_owner")
            assert differences() == {}
            assert rows("cell_1") == rows("cell_2")
            with owner_connection("cell_2_owner") as owner:
                kept = owner.execute(
                    "SELECT p.codename FROM auth_group_permissions g JOIN auth_permission p ON p.id = g.permission_id"
                ).fetchall()
                assert kept == [("view_task",)]
                assert number_shared_rows(owner) == 0
        finally:
            with owner_connection("cell_2_owner") as owner:
                owner.execute("DELETE FROM auth_group_permissions")
                owner.execute("DELETE FROM auth_group")
            connections.close_all()


def test_a_row_that_one_cell_lacks_is_named(databases: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        with owner_connection("cell_1_owner") as owner:
            owner.execute(
                "INSERT INTO django_content_type (id, app_label, model) VALUES (%s, 'old', 'thing')",
                [id_of("old.thing")],
            )
        try:
            assert differences() == {"cell_2": ["old.thing is missing"]}
            with pytest.raises(Conflict, match=r"old\.thing is missing"):
                require_equal_cells()
        finally:
            with owner_connection("cell_1_owner") as owner:
                owner.execute("DELETE FROM django_content_type WHERE app_label = 'old'")


def test_two_names_with_the_same_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.tenancy.shared_tables.id_of", lambda name: 7)
    with pytest.raises(Conflict, match="same id"):
        _moves([(1, "one.thing"), (2, "another.thing")])


def test_ids_fit_into_djangos_columns() -> None:
    for model in (ContentType, Permission):
        assert model._meta.pk.get_internal_type() == "AutoField"
    assert all(0 < id_of(f"app.model{n}") < 2**31 for n in range(10_000))
