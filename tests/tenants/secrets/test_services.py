"""The vault: what goes in comes out, for its owner only, and nobody else can read it."""

from uuid import UUID

import pytest
from django.db import connections

from tenants.accounts.access import SYSTEM
from tenants.foundation.crypto import CryptoError, KeysMisconfigured
from tenants.foundation.crypto import Secret as SecretValue
from tenants.foundation.crypto.keys import new_key_entry
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.models import DataKey, Tenant
from tenants.secrets.keys import data_keys, forget_keys
from tenants.secrets.models import Secret
from tenants.secrets.services import (
    delete_secret,
    ensure_data_key,
    reseal_stale_secrets,
    reveal_secret,
    rewrap_data_keys,
    rotate_data_key,
    rotate_secret,
    store_secret,
)
from tenants.tenancy import TenantRef, tenant_scope

TOKEN = "ntn_" + "0123456789abcdefWXYZ"


@pytest.fixture(autouse=True)
def _fresh_keys() -> None:
    """Keys cached in one test are those of rows that the test's end undoes."""
    forget_keys()


def keep(value: SecretValue | str = TOKEN, *, name: str = "token", owner_id: UUID | None = None) -> Secret:
    return store_secret(
        name=name,
        owner_table="integrations_connection",
        owner_id=owner_id or uuid7(),
        value=value,
        actor=SYSTEM,
    )


def test_a_secret_comes_back_as_a_value_that_does_not_show_itself(tenant: TenantRef) -> None:
    revealed = reveal_secret(keep().pk)
    assert revealed.reveal() == TOKEN
    assert TOKEN not in repr(revealed)


def test_the_row_shows_no_plain_text(tenant: TenantRef) -> None:
    secret = keep()
    with connections[tenant.cell].cursor() as cursor:
        cursor.execute(
            "SELECT s::text, encode(sealed, 'escape') FROM secrets_secret s WHERE id = %s", [secret.pk]
        )
        row = str(cursor.fetchone())
    assert TOKEN not in row
    assert TOKEN[4:16] not in row
    assert secret.last4 == "WXYZ"
    assert TOKEN not in repr(secret) + str(secret) + str(vars(secret))


def test_the_end_of_a_short_secret_is_not_shown(tenant: TenantRef) -> None:
    assert keep("short-one").last4 == ""


def test_a_value_copied_to_another_row_does_not_open(tenant: TenantRef) -> None:
    first, second = keep(), keep("another value of some length")
    Secret.objects.filter(pk=second.pk).update(sealed=first.sealed)
    with pytest.raises(CryptoError):
        reveal_secret(second.pk)


def test_a_row_copied_to_another_company_does_not_open(tenant: TenantRef, other_tenant: TenantRef) -> None:
    secret = keep()
    sealed = Secret.objects.get(pk=secret.pk).sealed
    with tenant_scope(other_tenant):
        Secret.objects.create(
            id=secret.pk,
            name=secret.name,
            owner_table=secret.owner_table,
            owner_id=secret.owner_id,
            sealed=sealed,
            key_version=1,
        )
        with pytest.raises(CryptoError):
            reveal_secret(secret.pk)
    assert reveal_secret(secret.pk).reveal() == TOKEN


def test_another_company_does_not_find_the_secret(tenant: TenantRef, other_tenant: TenantRef) -> None:
    secret = keep()
    with tenant_scope(other_tenant), pytest.raises(NotFound):
        reveal_secret(secret.pk)


def test_storing_under_the_same_name_replaces_and_keeps_the_id(tenant: TenantRef) -> None:
    owner_id = uuid7()
    first = keep(owner_id=owner_id)
    second = keep("a replacement value", owner_id=owner_id)
    assert first.pk == second.pk
    assert second.rotated_at is not None
    assert reveal_secret(first.pk).reveal() == "a replacement value"


def test_rotating_a_secret_keeps_its_id(tenant: TenantRef) -> None:
    secret = rotate_secret(secret=keep(), value=SecretValue("a newer value here"), actor=SYSTEM)
    assert reveal_secret(secret.pk).reveal() == "a newer value here"


@pytest.mark.parametrize("value", ["", "   ", "x" * 20_000])
def test_an_empty_or_endless_secret_is_refused(tenant: TenantRef, value: str) -> None:
    with pytest.raises(InvalidInput):
        keep(value)
    assert not Secret.objects.exists()


def test_a_deleted_secret_is_gone_and_deleting_again_is_no_error(tenant: TenantRef) -> None:
    secret = keep()
    delete_secret(secret_id=secret.pk, actor=SYSTEM)
    delete_secret(secret_id=secret.pk, actor=SYSTEM)
    with pytest.raises(NotFound):
        reveal_secret(secret.pk)


def test_storing_a_secret_writes_no_secret_to_the_log(
    tenant: TenantRef, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    keep("a value without any tell-tale look")
    written = capsys.readouterr()
    assert "a value without any tell-tale look" not in written.out + written.err + caplog.text


def test_after_a_data_key_is_rotated_old_values_open_and_are_resealed(tenant: TenantRef) -> None:
    old = [keep(f"value number {number:04}") for number in range(5)]
    assert rotate_data_key(tenant.id) == 2
    assert reveal_secret(old[0].pk).reveal() == "value number 0000"
    new = keep("a new value")
    assert new.key_version == 2
    assert (reseal_stale_secrets(limit=3), reseal_stale_secrets(), reseal_stale_secrets()) == (3, 2, 0)
    assert set(Secret.objects.values_list("key_version", flat=True)) == {2}
    assert [reveal_secret(each.pk).reveal()[-4:] for each in old] == ["0000", "0001", "0002", "0003", "0004"]


def test_a_tenant_has_exactly_one_active_data_key(tenant: TenantRef) -> None:
    ensure_data_key(Tenant.objects.get(pk=tenant.id))
    rotate_data_key(tenant.id)
    ensure_data_key(Tenant.objects.get(pk=tenant.id))
    states = list(
        DataKey.objects.filter(tenant_id=tenant.id).order_by("version").values_list("state", flat=True)
    )
    assert states == [DataKey.State.DECRYPT_ONLY, DataKey.State.ACTIVE]


def test_a_destroyed_data_key_makes_its_values_unreadable_for_ever(tenant: TenantRef) -> None:
    secret = keep()
    DataKey.objects.filter(tenant_id=tenant.id).update(state=DataKey.State.DESTROYED)
    data_keys().forget(tenant.id)
    with pytest.raises(CryptoError) as caught:
        reveal_secret(secret.pk)
    assert caught.value.code == "crypto_error.no_key"


def test_a_wrapped_key_moved_to_another_company_does_not_open(
    tenant: TenantRef, other_tenant: TenantRef
) -> None:
    mine = DataKey.objects.get(tenant_id=tenant.id)
    DataKey.objects.filter(tenant_id=other_tenant.id).update(wrapped=mine.wrapped)
    with tenant_scope(other_tenant), pytest.raises(CryptoError):
        keep()


def test_the_key_encryption_key_can_be_replaced_without_touching_values(
    tenant: TenantRef, settings: object
) -> None:
    secret = keep()
    sealed = bytes(Secret.objects.get(pk=secret.pk).sealed)
    old, new = settings.KEY_ENCRYPTION_KEY, new_key_entry("new")  # type: ignore[attr-defined]
    settings.KEY_ENCRYPTION_KEY = f"{new},{old}"  # type: ignore[attr-defined]
    assert rewrap_data_keys() >= 2
    assert rewrap_data_keys() == 0
    settings.KEY_ENCRYPTION_KEY = new  # type: ignore[attr-defined]
    assert reveal_secret(secret.pk).reveal() == TOKEN
    assert bytes(Secret.objects.get(pk=secret.pk).sealed) == sealed
    assert set(DataKey.objects.values_list("kek_id", flat=True)) == {"new"}


def test_without_a_key_encryption_key_the_error_says_what_to_set(tenant: TenantRef, settings: object) -> None:
    settings.KEY_ENCRYPTION_KEY = ""  # type: ignore[attr-defined]
    with pytest.raises(KeysMisconfigured, match="KEY_ENCRYPTION_KEY"):
        keep()
