"""A session's row is worth nothing outside the company it was made in."""

from django.contrib.sessions.models import Session

from tenants.accounts.sessions.store import TENANT_KEY, SessionStore
from tenants.tenancy import TenantRef, tenant_scope


def stored(**data: str) -> SessionStore:
    session = SessionStore()
    session.update(data)
    session.save()
    return session


def test_what_was_saved_is_loaded(tenant: TenantRef) -> None:
    key = stored(colour="green").session_key
    assert SessionStore(key)["colour"] == "green"
    assert SessionStore().exists(key or "")


def test_a_row_copied_to_another_company_loads_as_nothing(tenant: TenantRef, other_tenant: TenantRef) -> None:
    key = stored(_auth_user_id="somebody").session_key or ""
    row = Session.objects.get(pk=key)
    with tenant_scope(other_tenant):
        Session.objects.create(pk=key, session_data=row.session_data, expire_date=row.expire_date)
        assert dict(SessionStore(key).items()) == {}
    assert SessionStore(key)["_auth_user_id"] == "somebody"


def test_a_row_without_a_mark_loads_as_nothing(tenant: TenantRef) -> None:
    session = stored(colour="green")
    row = Session.objects.get(pk=session.session_key)
    row.session_data = session.encode({"colour": "green"})
    row.save()
    assert dict(SessionStore(session.session_key).items()) == {}


def test_a_deleted_session_is_gone(tenant: TenantRef) -> None:
    session = stored(colour="green")
    key = session.session_key or ""
    session.delete()
    assert not SessionStore().exists(key)


def test_flushing_leaves_an_empty_session_with_another_key(tenant: TenantRef) -> None:
    session = stored(colour="green")
    old = session.session_key
    session.flush()
    session["colour"] = "red"
    session.save()
    assert session.session_key != old
    assert session[TENANT_KEY] == str(tenant.id)


def test_a_new_session_is_empty(tenant: TenantRef) -> None:
    assert SessionStore().is_empty()
