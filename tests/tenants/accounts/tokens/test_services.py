"""API tokens speak for one person, within scopes, for a while, in one company."""

from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor, can
from tenants.accounts.models import AccessPolicy, ApiToken, RoleBinding, User
from tenants.accounts.selectors import actor_for, visible_users
from tenants.accounts.services import deactivate_user
from tenants.accounts.tokens.format import TOKEN_PATTERN, read_token, write_token
from tenants.accounts.tokens.selectors import visible_api_tokens
from tenants.accounts.tokens.service_accounts import create_service_account, issue_service_token
from tenants.accounts.tokens.services import (
    actor_for_token,
    create_api_token,
    revoke_api_token,
    rotate_api_token,
)
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.foundation.redaction import redact_text
from tenants.tenancy import TenantRef, tenant_scope

SCOPES = ["accounts.view_users"]


@pytest.fixture
def token(admin: UserActor) -> str:
    """A token of the admin's for seeing users."""
    return create_api_token(actor=admin, name="Script", scopes=SCOPES).token.reveal()


def test_a_token_speaks_for_its_maker_within_its_scopes(token: str, admin: UserActor) -> None:
    actor = actor_for_token(token)
    assert actor is not None
    assert actor.user_id == admin.user_id
    assert can(actor, "accounts.view_users")
    assert not can(actor, "accounts.invite_users")


def test_a_token_has_the_published_form_and_is_masked_in_logs(token: str) -> None:
    assert TOKEN_PATTERN.match(token)
    assert token not in redact_text(f"calling with {token} now")


def test_the_token_is_not_in_the_table(token: str) -> None:
    row = ApiToken.objects.get()
    parsed = read_token(token)
    assert parsed is not None
    assert parsed.secret.reveal() not in str(vars(row))
    assert len(bytes(row.secret_hash)) == 32


def test_a_typing_error_is_found_without_asking_the_database(token: str, tenant: TenantRef) -> None:
    wrong = token[:-20] + ("a" if token[-20] != "a" else "b") + token[-19:]
    with CaptureQueriesContext(connections[tenant.cell]) as queries:
        assert actor_for_token(wrong) is None
    assert not [query for query in queries if "SELECT" in query["sql"]]


def test_the_right_id_with_a_wrong_secret_is_refused(token: str) -> None:
    row = ApiToken.objects.get()
    assert actor_for_token(write_token(row.public_id, "A" * 43).reveal()) is None
    assert actor_for_token(write_token("A" * 12, "A" * 43).reveal()) is None


@pytest.mark.parametrize("text", ["", "nts_live_", "Bearer", "x" * 5000, "nts_live_" + "é" * 20])
def test_nonsense_is_refused(tenant: TenantRef, text: str) -> None:
    assert actor_for_token(text) is None


def test_a_revoked_or_expired_token_is_refused(token: str, admin: UserActor) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert actor_for_token(token) is None
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert actor_for_token(token) is not None
    revoke_api_token(token=ApiToken.objects.get(), actor=admin)
    assert actor_for_token(token) is None


def test_a_token_of_another_company_is_refused_even_when_its_row_was_copied(
    token: str, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    row = ApiToken.objects.get()
    with tenant_scope(other_tenant):
        assert actor_for_token(token) is None
        user = User.objects.create(email="copied@x.example", name="Copied")
        ApiToken.objects.create(
            user=user,
            name="copied",
            public_id=row.public_id,
            secret_hash=row.secret_hash,
            scopes=row.scopes,
            expires_at=row.expires_at,
        )
        assert actor_for_token(token) is None


def test_a_token_loses_what_its_maker_loses(token: str, admin: UserActor) -> None:
    RoleBinding.objects.filter(user=admin.user).update(role=Role.GUEST)
    actor = actor_for_token(token)
    assert actor is not None
    assert not can(actor, "accounts.view_users")
    User.objects.filter(pk=admin.user_id).update(is_active=False)
    assert actor_for_token(token) is None


def test_last_use_is_noted_at_most_once_a_minute(token: str) -> None:
    actor_for_token(token)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    actor_for_token(token)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    actor_for_token(token)
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    assert noted >= first


def test_nobody_gives_a_token_more_than_they_hold(member: UserActor) -> None:
    with pytest.raises(Forbidden) as caught:
        create_api_token(actor=member, name="x", scopes=["accounts.invite_users"])
    assert caught.value.code == "forbidden.scope_not_held"


def test_a_token_cannot_make_a_wider_token(admin: UserActor) -> None:
    limited = create_api_token(actor=admin, name="x", scopes=["accounts.use_api_tokens"]).token.reveal()
    actor = actor_for_token(limited)
    assert actor is not None
    with pytest.raises(Forbidden):
        create_api_token(actor=actor, name="wider", scopes=["accounts.invite_users"])


@pytest.mark.parametrize("changes", [{"days": 0}, {"days": 366}, {"name": " "}, {"scopes": []}])
def test_wrong_values_are_refused(admin: UserActor, changes: dict[str, object]) -> None:
    values: dict[str, object] = {"name": "x", "scopes": SCOPES, "days": 30} | changes
    with pytest.raises(InvalidInput):
        create_api_token(actor=admin, **values)  # type: ignore[arg-type]


def test_guests_and_the_system_make_no_tokens(guest: UserActor) -> None:
    with pytest.raises(Forbidden):
        create_api_token(actor=guest, name="x", scopes=SCOPES)
    with pytest.raises(Forbidden):
        create_api_token(actor=SYSTEM, name="x", scopes=SCOPES)


def test_members_see_and_revoke_their_own_tokens_only(
    token: str, member: UserActor, owner: UserActor
) -> None:
    row = ApiToken.objects.get()
    own = create_api_token(actor=member, name="own", scopes=SCOPES).row
    assert list(visible_api_tokens(actor=member)) == [own]
    assert set(visible_api_tokens(actor=owner)) == {row, own}
    with pytest.raises(Forbidden):
        revoke_api_token(token=row, actor=member)
    assert revoke_api_token(token=own, actor=owner).revoked_at is not None


def test_a_token_is_used_from_its_own_networks_else_the_companys(admin: UserActor) -> None:
    issued = create_api_token(actor=admin, name="Office", scopes=SCOPES, allowed_networks=["192.0.2.7/24"])
    text = issued.token.reveal()
    assert issued.row.allowed_networks == ["192.0.2.0/24"]
    assert actor_for_token(text, address="192.0.2.200") is not None
    assert actor_for_token(text, address="198.51.100.1") is None
    assert actor_for_token(text, address="") is None
    AccessPolicy.objects.create(allowed_networks=["198.51.100.0/24"])
    anywhere = create_api_token(actor=admin, name="Home", scopes=SCOPES).token.reveal()
    assert actor_for_token(anywhere, address="198.51.100.1") is not None
    assert actor_for_token(anywhere, address="192.0.2.200") is None
    assert actor_for_token(text, address="192.0.2.200") is not None


def test_a_token_lives_no_longer_than_the_company_allows(admin: UserActor) -> None:
    AccessPolicy.objects.create(token_max_days=30)
    with pytest.raises(InvalidInput):
        create_api_token(actor=admin, name="Long", scopes=SCOPES, days=31)
    create_api_token(actor=admin, name="Short", scopes=SCOPES, days=30)


def test_a_token_of_another_environment_does_not_open_the_door(token: str) -> None:
    row = ApiToken.objects.get()
    parsed = read_token(token)
    assert parsed is not None
    forged = write_token(row.public_id, parsed.secret.reveal(), "staging").reveal()
    assert actor_for_token(forged) is None
    assert actor_for_token(token) is not None


def test_a_replaced_token_goes_on_for_the_overlap_and_is_replaced_once(token: str, admin: UserActor) -> None:
    old = ApiToken.objects.get()
    issued = rotate_api_token(token=old, actor=admin, overlap_hours=2)
    new = issued.token.reveal()
    assert new != token
    assert actor_for_token(token) is not None
    assert actor_for_token(new) is not None
    assert (issued.row.scopes, issued.row.replaces_id) == (old.scopes, old.pk)
    old.refresh_from_db()
    assert old.expires_at <= timezone.now() + timedelta(hours=2)
    with pytest.raises(Conflict):
        rotate_api_token(token=old, actor=admin)
    ApiToken.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert actor_for_token(token) is None
    assert actor_for_token(new) is not None


def test_nobody_replaces_another_persons_token_or_a_dead_one(
    token: str, admin: UserActor, owner: UserActor
) -> None:
    row = ApiToken.objects.get()
    with pytest.raises(Forbidden):
        rotate_api_token(token=row, actor=owner)
    revoke_api_token(token=row, actor=admin)
    with pytest.raises(Conflict):
        rotate_api_token(token=row, actor=admin)


def test_a_token_makes_no_tokens(token: str) -> None:
    actor = actor_for_token(create_like(token))
    assert actor is not None
    with pytest.raises(Forbidden):
        create_api_token(actor=actor, name="More", scopes=["accounts.use_api_tokens"])


def create_like(token: str) -> str:
    """A token of the same person's that may use tokens."""
    person = actor_for_token(token)
    assert person is not None
    maker = actor_for(person.user)
    scopes = ["accounts.use_api_tokens"]
    return create_api_token(actor=maker, name="Maker", scopes=scopes).token.reveal()


def test_a_program_works_in_its_own_name_and_is_shut_out_with_its_tokens(
    admin: UserActor, owner: UserActor
) -> None:
    account = create_service_account(actor=admin, name="Importer", role=Role.MEMBER)
    issued = issue_service_token(account=account, actor=admin, name="CI", scopes=SCOPES, days=30)
    text = issued.token.reveal()
    actor = actor_for_token(text)
    assert actor is not None
    assert (actor.user_id, actor.name) == (account.user_id, "Importer")
    assert account.user_id not in {each.pk for each in visible_users(actor=owner)}
    new = rotate_api_token(token=issued.row, actor=admin).token.reveal()
    deactivate_user(user=account.user, actor=owner)
    assert actor_for_token(text) is None
    assert actor_for_token(new) is None
    account.user.refresh_from_db()
    with pytest.raises(Conflict):
        issue_service_token(account=account, actor=admin, name="More", scopes=SCOPES, days=30)


def test_a_program_gets_no_more_than_its_role_and_its_maker_hold(admin: UserActor, member: UserActor) -> None:
    account = create_service_account(actor=admin, name="Importer", role=Role.MEMBER)
    with pytest.raises(Forbidden):
        issue_service_token(
            account=account, actor=admin, name="CI", scopes=["accounts.change_roles"], days=30
        )
    for role, maker in ((Role.OWNER, admin), (Role.MEMBER, member)):
        with pytest.raises(Forbidden):
            create_service_account(actor=maker, name="Other", role=role)
