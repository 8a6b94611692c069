"""A message of one company is never shown in another."""

from django.contrib.messages import SUCCESS
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenants.accounts.sessions.messages import MessageStorage
from tenants.accounts.sessions.store import SessionStore
from tenants.tenancy import TenantRef, tenant_scope


def asked(**cookies: str) -> HttpRequest:
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    request.session = SessionStore()
    return request


def cookie_with(text: str) -> str:
    storage = MessageStorage(asked())
    storage.add(SUCCESS, text, extra_tags="/tasks/undo/x/")
    response = HttpResponse()
    storage.update(response)
    return str(response.cookies["messages"].value)


def shown(cookie: str) -> list[str]:
    return [str(message) for message in MessageStorage(asked(messages=cookie))]


def test_a_message_is_shown_in_its_own_company_only(tenant: TenantRef, other_tenant: TenantRef) -> None:
    with tenant_scope(tenant):
        cookie = cookie_with("OPS-1 archived")
        assert shown(cookie) == ["OPS-1 archived"]
    with tenant_scope(other_tenant):
        assert shown(cookie) == []
