"""A platform and a company, an operator on the one and an owner on the other, each with a window of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Domain, OperatorGrant, Tenant
from tenants.operator_access.asking import ask_to_enter
from tenants.operator_access.deciding import approve
from tenants.tenancy import TenantRef, tenant_scope
from tenants.tenancy.directory import directory
from tests.people import person, signed_in_client


@dataclass(frozen=True)
class Scene:
    """Who is where: `tenant` is the company, `platform` the platform's own."""

    platform: TenantRef
    platform_host: str
    operator: UserActor
    company: TenantRef
    company_host: str
    owner: UserActor

    def ask(self, *, role: str = "admin", minutes: int = 60, actor: UserActor | None = None) -> OperatorGrant:
        """The operator asks."""
        with tenant_scope(self.platform):
            return ask_to_enter(
                company_id=self.company.id, reason="A sync run has stopped.", ticket="SUP-1", role=role,
                minutes=minutes, actor=actor or self.operator,
            )  # fmt: skip

    def granted(self, *, role: str = "admin", minutes: int = 60) -> OperatorGrant:
        """The operator asks and the owner agrees."""
        grant = self.ask(role=role, minutes=minutes)
        with tenant_scope(self.company):
            return approve(grant_id=grant.pk, role=role, minutes=minutes, actor=self.owner)

    def operators_window(self, actor: UserActor | None = None) -> Client:
        """A browser on the platform's host with the operator signed in."""
        with tenant_scope(self.platform):
            return signed_in_client(self.platform_host, actor or self.operator)

    def owners_window(self) -> Client:
        """A browser on the company's host with its owner signed in."""
        with tenant_scope(self.company):
            return signed_in_client(self.company_host, self.owner)

    def way_in(self, grant: OperatorGrant, window: Client | None = None) -> tuple[Client, str]:
        """Go the whole way but the last step: the browser's window on the company's host, and the link."""
        inside = Client(headers={"host": self.company_host})
        away = inside.get(f"/support/{grant.pk}/")
        assert away.status_code == 302, away.content
        asked = (window or self.operators_window()).get(relative(away["Location"]))
        assert asked.status_code == 200, asked.content
        link = next(part for part in asked.content.decode().split('"') if "/enter/" in part)
        assert urlsplit(link).hostname == self.company_host
        return inside, relative(link.replace("&amp;", "&"))

    def enter(self, grant: OperatorGrant) -> Client:
        """Go the whole way in."""
        inside, link = self.way_in(grant)
        answer = inside.get(link)
        assert (answer.status_code, answer["Location"]) == (302, "/"), answer.content
        return inside


def relative(address: str) -> str:
    """An address without scheme and host."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@pytest.fixture
def scene(tenant: TenantRef, other_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The test's company is the company; the other one is made the platform for the length of the test."""
    Tenant.objects.filter(pk=other_tenant.id).update(slug="platform")
    directory.forget()
    platform = Tenant.objects.get(pk=other_tenant.id).ref
    hosts = {row.tenant_id: row.host for row in Domain.objects.filter(is_canonical=True)}
    Domain.objects.filter(tenant_id=platform.id).update(host=f"platform.{settings.BASE_DOMAIN}")
    directory.forget()
    with tenant_scope(platform):
        operator = person(platform, Role.ADMIN, "Olga Operator-Example")
    owner = actor_for(User.objects.get(email=f"owner@{tenant.slug}.example"))
    return Scene(platform, f"platform.{settings.BASE_DOMAIN}", operator, tenant, hosts[tenant.id], owner)


type Ask = Callable[..., OperatorGrant]
