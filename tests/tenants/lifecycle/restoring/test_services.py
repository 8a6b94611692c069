"""One company goes back to a moment between two writes; the others, and what must not come back, stay."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from psycopg import sql
from pytest_django import Settings

from tenants.accounts.access import Role
from tenants.accounts.models import ApiToken, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import create_api_token
from tenants.backups.copying import dump_schema
from tenants.backups.errors import BackupBroken, NoBackup, WalMissing
from tenants.backups.repository import DATA, newest_before, stored_backups
from tenants.backups.servers import repository_folder
from tenants.backups.wal import stored_segments, wal_folder
from tenants.foundation.errors import Conflict, DomainError, InvalidInput
from tenants.lifecycle.restoring.services import (
    drop_replaced_schemas,
    parse_moment,
    restore_tenant,
    take_restore_back,
)
from tenants.lifecycle.transitions import change_state
from tenants.models import Operation, Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrations import MigrationFailed, migrate_tenant, pending_migrations
from tenants.tenancy.provisioning import record_migrations
from tests.people import person
from tests.tenants.backups.departments import found, names_in
from tests.tenants.backups.own_server import OwnServer
from tests.tenants.lifecycle.restoring.past import Past, bring_back

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]


def schemas_of(company: Tenant) -> set[str]:
    with owner_connection(f"{company.cell}_owner") as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [company.schema]
        ).fetchall()
    return {str(name) for (name,) in rows}


def scratch_places() -> list[Path]:
    root = Path(django_settings.BACKUP_SCRATCH_DIR)
    return list(root.iterdir()) if root.exists() else []


def test_a_company_is_as_it_was_and_the_others_keep_what_they_wrote_since(past: Past) -> None:
    operation = bring_back(past)
    assert operation.state == Operation.State.SUCCEEDED
    assert names_in(past.company) == ["one", "two"]
    assert names_in(past.other) == ["after", "before"]
    assert operation.result["rows"] > 3
    past.company.refresh_from_db()
    assert past.company.state == Tenant.State.ACTIVE
    assert past.company.pk not in pending_migrations(past.company.cell)
    found(past.company, "four")  # its role may write there
    assert scratch_places() == [], "neither server nor files are left"
    assert not list((repository_folder() / "main" / "restores").iterdir())
    assert not [name for name in tables_of(past.company) if name.startswith("nts_")]


def tables_of(company: Tenant) -> list[str]:
    with owner_connection(f"{company.cell}_owner") as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [company.schema])
        return [str(name) for (name,) in rows.fetchall()]


def test_a_restore_is_taken_back_and_what_was_put_aside_goes_in_time(past: Past) -> None:
    bring_back(past)
    found(past.company, "lost")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read_as(past.company, "before")
    take_restore_back(slug=past.company.slug, asked_by="test")
    assert names_in(past.company) == ["one", "three", "two"]
    found(past.company, "four")
    with pytest.raises(Conflict, match="no restore that could be taken back"):
        take_restore_back(slug=past.company.slug, asked_by="test")
    assert drop_replaced_schemas() == 0, "it is kept for some days"
    long_ago = timezone.now() - timedelta(days=django_settings.RESTORE_KEEP_DAYS + 1)
    Operation.objects.filter(tenant_id=past.company.pk, kind="restore").update(finished_at=long_ago)
    assert drop_replaced_schemas() >= 1
    assert schemas_of(past.company) == {past.company.schema}


def read_as(company: Tenant, mark: str) -> None:
    """Read what a restore put aside, as the company's own role."""
    schema = next(name for name in schemas_of(company) if mark in name)
    with owner_connection(f"{company.cell}_owner") as connection:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(company.role)))
        connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(schema, "accounts_user")))


def test_access_that_was_taken_away_does_not_come_back(on_own_server: OwnServer, past: Past) -> None:
    company = past.company
    with tenant_scope(company.ref) as ref, atomic():
        leaver = person(ref, Role.MEMBER, "Lee Leaver-Example")
        issued = create_api_token(actor=leaver, name="Script", scopes=sorted(leaver.codes)[:1])
    moment = timezone.now()
    with tenant_scope(company.ref), atomic():
        ApiToken.objects.filter(pk=issued.row.pk).update(revoked_at=timezone.now())
        User.objects.filter(pk=leaver.user_id).update(is_active=False)
    restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    with tenant_scope(company.ref), atomic():
        assert ApiToken.objects.get(pk=issued.row.pk).revoked_at is not None
        assert not User.objects.get(pk=leaver.user_id).is_active
        assert actor_for(User.objects.get(email=f"owner@{company.slug}.example")).user_id
    restore_tenant(slug=company.slug, moment=moment, asked_by="test", keeps_access=False)
    with tenant_scope(company.ref), atomic():
        assert ApiToken.objects.get(pk=issued.row.pk).revoked_at is None, "asked for, it is as it was"


def test_a_schema_that_was_dropped_comes_back_with_its_role(past: Past) -> None:
    company = past.company
    with owner_connection(f"{company.cell}_owner") as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(company.schema)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(company.role)))
    operation = bring_back(past)
    assert names_in(company) == ["one", "two"]
    assert operation.result["kept_schema"] == ""


def untouched(past: Past) -> None:
    """After a restore that could not be done: everything is as before, and open."""
    past.company.refresh_from_db()
    assert past.company.state == Tenant.State.ACTIVE
    assert names_in(past.company) == ["one", "three", "two"]
    assert schemas_of(past.company) == {past.company.schema}
    assert scratch_places() == []
    found(past.company, "four")


def test_a_hole_in_the_log_is_named_and_nothing_is_harmed(past: Past) -> None:
    newest = newest_before(stored_backups("main"), past.moment)
    segment = wal_folder("main") / newest.first_segment
    aside = segment.with_name("aside")
    segment.rename(aside)
    try:
        with pytest.raises(WalMissing, match=newest.first_segment):
            bring_back(past)
    finally:
        aside.rename(segment)
    untouched(past)


def test_an_altered_segment_ends_the_recovery_instead_of_ending_it_early(past: Past) -> None:
    newest = newest_before(stored_backups("main"), past.moment)
    segments = [name for name in stored_segments("main") if name >= newest.first_segment]
    path = wal_folder("main") / segments[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(BackupBroken, match=segments[0]):
            bring_back(past)
    finally:
        path.write_bytes(whole)
    untouched(past)


def test_an_altered_backup_is_refused(past: Past) -> None:
    path = newest_before(stored_backups("main"), past.moment).folder / DATA
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    path.write_bytes(bytes(changed))
    try:
        with pytest.raises(BackupBroken, match="altered or cut"):
            bring_back(past)
    finally:
        path.write_bytes(whole)
    untouched(past)


def test_without_room_nothing_is_begun(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})()
    monkeypatch.setattr("tenants.backups.laying_out.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DomainError, match="MB are free"):
        bring_back(past)
    untouched(past)


def test_a_moment_before_the_first_backup_cannot_be_reached(past: Past) -> None:
    with pytest.raises(NoBackup, match="The oldest is of"):
        restore_tenant(
            slug=past.company.slug, moment=past.moment - timedelta(days=90), asked_by="test"
        )  # fmt: skip
    untouched(past)


def test_a_company_that_was_deleted_for_good_stays_deleted(past: Past) -> None:
    Tenant.objects.filter(pk=past.company.pk).update(state=Tenant.State.DELETED)
    with pytest.raises(Conflict, match="keys were destroyed"):
        bring_back(past)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yesterday", "Write it like"),
        ("2026-11-22T14:00:00", "End it with Z"),
        ("2999-01-01T00:00:00Z", "in the past"),
    ],
)
def test_a_moment_is_written_with_its_zone_and_in_the_past(text: str, says: str, settings: Settings) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_moment(text)
    assert says in refused.value.fields["to"][0]


LAST = ("account", "0009_emailaddress_unique_primary_email")
INDEX = "unique_primary_email"


def forget_migration(company: Tenant) -> None:
    """The ledger says that the company has not had this migration yet."""
    with owner_connection(f"{company.cell}_owner") as connection:
        connection.execute(
            "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = %s AND name = %s",
            [company.pk, *LAST],
        )


def has_index(company: Tenant) -> bool:
    with owner_connection(f"{company.cell}_owner") as connection:
        query = "SELECT 1 FROM pg_indexes WHERE schemaname = %s AND indexname = %s"
        return connection.execute(query, [company.schema, INDEX]).fetchone() is not None


def test_rows_of_an_older_release_are_migrated_before_the_company_opens(past: Past) -> None:
    company = past.company
    forget_migration(company)
    with owner_connection(f"{company.cell}_owner") as connection:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(company.schema, INDEX)))
    moment = timezone.now()
    assert migrate_tenant(company) == 1
    operation = restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    assert operation.result["migrations"] == 1
    assert has_index(company)
    assert company.pk not in pending_migrations(company.cell)
    company.refresh_from_db()
    assert company.state == Tenant.State.ACTIVE


def test_a_restore_whose_migration_fails_is_undone(past: Past) -> None:
    company = past.company
    forget_migration(company)  # the index is there: making it again cannot succeed
    moment = timezone.now()
    with owner_connection(f"{company.cell}_owner") as connection:
        record_migrations(connection, company.pk, [LAST])
    with pytest.raises(MigrationFailed):
        restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    operation = Operation.objects.filter(tenant_id=company.pk, kind="restore").latest("created_at")
    assert operation.state == Operation.State.UNDONE
    assert company.pk not in pending_migrations(company.cell)
    untouched(past)


def test_an_operators_suspension_outlives_a_restore_that_was_under_way(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    def suspend(*args: Any, **options: Any) -> None:
        change_state(past.company.pk, Tenant.State.SUSPENDED, reason="Their bill is open.")
        dump_schema(*args, **options)

    monkeypatch.setattr("tenants.lifecycle.restoring.saga.dump_schema", suspend)
    assert bring_back(past).state == Operation.State.SUCCEEDED
    past.company.refresh_from_db()
    assert (past.company.state, past.company.state_reason) == ("suspended", "Their bill is open.")
    assert names_in(past.company) == ["one", "two"]
