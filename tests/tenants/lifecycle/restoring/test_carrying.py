"""What does not come back with the rows of an earlier day: keys, links and visits that are over."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from psycopg import sql

from tenants.accounts.access import SYSTEM
from tenants.accounts.access.left_alone import COOLING, LEFT_ALONE, left_alone
from tenants.accounts.models import (
    IdentityProvider,
    Invitation,
    ProposedChange,
    ScimToken,
    SignInHandover,
    SignInLink,
    SupportAccount,
    SupportVisit,
    UsedAssertion,
    User,
)
from tenants.accounts.scim.directories import create_directory
from tenants.accounts.scim.tokens import issue_scim_token
from tenants.foundation.ids import uuid7
from tenants.lifecycle.restoring.carrying import carry_over
from tenants.models import Tenant
from tenants.secrets.models import Secret
from tenants.secrets.services import store_secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tests.companies import create_company, drop_company

# The same rows in both: what was, and what is now.
REVOKED, GONE, GOOD, INVITED, PROVIDER = (uuid7() for _ in range(5))


@pytest.fixture
def restored() -> Iterator[Tenant]:
    """A second company, whose rows stand for those of an earlier day."""
    made = create_company()
    yield made
    drop_company(made)


def furnish(ref: TenantRef, keys: tuple[UUID, ...]) -> None:
    """Keys of a directory, an invitation, ways in that are under way, and an operator inside."""
    later = timezone.now() + timedelta(hours=1)
    with tenant_scope(ref), atomic():
        directory = create_directory(actor=SYSTEM, name="Okta")
        for pk in keys:
            made = issue_scim_token(directory=directory, actor=SYSTEM, overlap_hours=100).row
            ScimToken.objects.filter(pk=made.pk).update(id=pk)
        ScimToken.objects.update(expires_at=later)
        Invitation.objects.create(
            id=INVITED, email="ina@example.com", role="member", token_hash=b"i" * 32, expires_at=later
        )
        IdentityProvider.objects.create(id=PROVIDER, name="Id", kind="saml", preset="saml")
        SignInLink.objects.create(browser_hash=b"b" * 32, expires_at=later)
        SignInHandover.objects.create(
            purpose="sso", host="a.example", state_hash=b"s" * 32, browser_hash=b"b" * 32, expires_at=later
        )
        visitor = User.objects.create(email="visitor@operators.invalid", name="Support")
        account = SupportAccount.objects.create(user=visitor, operator_id=uuid7())
        SupportVisit.objects.create(
            account=account,
            grant_id=uuid7(),
            role="admin",
            reason="r",
            entered_at=timezone.now(),
            ends_at=later,
        )


def carried(live: TenantRef, restored: Tenant, *, keeps_access: bool) -> None:
    with owner_connection(f"{live.cell}_owner") as connection:
        carry_over(connection, live=live.schema, restored=restored.schema, keeps_access=keeps_access)


@pytest.fixture
def both(committed_tenant: TenantRef, restored: Tenant) -> tuple[TenantRef, Tenant]:
    """Since that day one key was revoked, one removed with its directory, and an invitation withdrawn."""
    furnish(committed_tenant, (REVOKED, GOOD))
    furnish(restored.ref, (REVOKED, GONE, GOOD))
    with tenant_scope(committed_tenant), atomic():
        ScimToken.objects.filter(pk=REVOKED).update(revoked_at=timezone.now())
        Invitation.objects.update(revoked_at=timezone.now())
        UsedAssertion.objects.create(
            provider_id=PROVIDER, assertion_hash="a" * 64, expires_at=timezone.now() + timedelta(minutes=5)
        )
    return committed_tenant, restored


def test_what_was_taken_away_or_used_since_does_not_come_back(both: tuple[TenantRef, Tenant]) -> None:
    live, restored = both
    carried(live, restored, keeps_access=True)
    with tenant_scope(restored.ref), atomic():
        assert set(ScimToken.objects.filter(revoked_at=None).values_list("pk", flat=True)) == {GOOD}
        assert Invitation.objects.get().revoked_at is not None
        assert UsedAssertion.objects.get().assertion_hash == "a" * 64
        assert not SignInLink.objects.exists()
        assert not SignInHandover.objects.exists()
        assert SupportVisit.objects.get().ended_because == "restored"


def test_asked_for_keys_are_as_they_were_and_ways_in_are_closed_all_the_same(
    both: tuple[TenantRef, Tenant],
) -> None:
    live, restored = both
    carried(live, restored, keeps_access=False)
    with tenant_scope(restored.ref), atomic():
        assert ScimToken.objects.filter(revoked_at=None).count() == 3
        assert Invitation.objects.get().revoked_at is None
        assert not SignInLink.objects.exists()
        assert SupportVisit.objects.get().ended_at is not None


@pytest.mark.parametrize("keeps_access", [True, False])
def test_what_was_decided_since_is_not_proposed_once_more(
    both: tuple[TenantRef, Tenant], *, keeps_access: bool
) -> None:
    live, restored = both
    decided = {
        "refused": "refused",
        "expired": "expired",
        "withdrawn": "withdrawn",
        "applied": "stale",
        "open": "open",
    }
    numbers = {state: uuid7() for state in decided}
    now = timezone.now()
    for ref in (live, restored.ref):
        with tenant_scope(ref), atomic():
            for pk in numbers.values():
                ProposedChange.objects.create(
                    id=pk, kind="sso.enforce", target_id=uuid7(), fingerprint="f", proposed_at=now,
                    expires_at=now + timedelta(days=7), arguments={"on": True},
                )  # fmt: skip
                store_secret(
                    name="key", owner_table="accounts_proposedchange", owner_id=pk, value="s", actor=SYSTEM
                )
    with tenant_scope(live), atomic():
        admin = User.objects.create(email="since@example.com", name="Since")
        for state, pk in numbers.items():
            ProposedChange.objects.filter(pk=pk).update(
                state=state, decided_by=admin, decided_at=now, note="No."
            )
    carried(live, restored, keeps_access=keeps_access)
    with tenant_scope(restored.ref), atomic():
        rows = {row.pk: row for row in ProposedChange.objects.all()}
        assert {state: rows[pk].state for state, pk in numbers.items()} == decided
        assert rows[numbers["refused"]].note == "No."
        assert rows[numbers["refused"]].decided_by is None  # who decided came in after that day
        assert [pk for pk, row in rows.items() if row.arguments] == [numbers["open"]]
        assert list(Secret.objects.values_list("owner_id", flat=True)) == [numbers["open"]]


@pytest.mark.parametrize("keeps_access", [True, False])
def test_whoever_was_left_alone_since_waits_their_day_all_the_same(
    both: tuple[TenantRef, Tenant], *, keeps_access: bool
) -> None:
    """Else one would shut the others out, restore an hour ago, and be alone at once."""
    live, restored = both
    now, gone = timezone.now(), uuid7()
    with tenant_scope(live), atomic():
        since = User.objects.create(email="since@example.com", name="Since")
        for code, ends in (("accounts.manage_sso", now + timedelta(hours=23)), ("accounts.old", now)):
            ProposedChange.objects.create(
                kind=LEFT_ALONE.key, fingerprint="", proposed_by=since, proposed_at=ends - COOLING, expires_at=ends,
                arguments={"permission": code, "before": [str(gone)]}, state=ProposedChange.State.APPLIED,
                decided_at=ends - COOLING,
            )  # fmt: skip
    carried(live, restored, keeps_access=keeps_access)
    with tenant_scope(restored.ref), atomic():
        found = left_alone("accounts.manage_sso")
        assert found is not None
        assert found.before == {gone}
        assert ProposedChange.objects.get().proposed_by is None


def test_rows_of_a_release_without_directories_are_carried_too(both: tuple[TenantRef, Tenant]) -> None:
    live, restored = both
    with owner_connection(f"{live.cell}_owner") as connection:
        for table in ("accounts_scimtoken", "accounts_signinlink", "accounts_supportvisit"):
            connection.execute(
                sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(restored.schema, table))
            )
    carried(live, restored, keeps_access=True)
    with tenant_scope(restored.ref), atomic():
        assert not SignInHandover.objects.exists()
