"""Two filled companies: every route of one with the other's ids in its address."""

from typing import Any

from django.db import transaction
from django.test import Client

from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.transactions import current_alias
from tests.architecture.canary import Canary, is_text, rows_of, tenant_models
from tests.architecture.canary_addresses import addresses, names_something, send
from tests.architecture.routes import ROUTES, Route
from tests.people import signed_in_client, token_client

NOTHING_HERE = {403, 404, 405, 422}
# Texts too short for the mark, and those that hold a word of ours.
UNMARKED = {
    "branding.Brand.color", "branding.BrandImage.digest", "branding.LetterText.kind", "branding.LetterText.language",
    "secrets.Secret.last4", "integrations.Connection.connector", "integrations.FieldMapping.our_field",
    "integrations.Conflict.our_field",
    "integrations.FieldMapping.remote_kind", "accounts.GroupRule.role", "accounts.ScimDirectory.default_role",
    "accounts.IdentityProvider.default_role",
    "accounts.IdentityProvider.test_grade",
}  # fmt: skip


def test_every_text_of_every_table_holds_the_mark(theirs: Canary) -> None:
    """A new table or column is filled by itself; where it cannot be, this test says its name."""
    texts = {
        f"{model._meta.label}.{part.name}"
        for model in tenant_models()
        for part in model._meta.local_concrete_fields
        if is_text(part)
    }
    forms = {
        "tasks.NumberSeries.prefix",
        "tasks.Project.key",
        "tasks.Task.key_prefix",
        "accounts.EmailDomain.domain",
    }
    assert texts - theirs.marked - forms == UNMARKED
    assert {model._meta.label for model in tenant_models()} <= set(theirs.rows)


CASES = [(route, method) for route in ROUTES for method in route.methods if route.arguments]


def test_no_address_with_another_companys_ids_shows_or_changes_anything(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    before, wrong, asked = rows_of(theirs.tenant), [], 0
    for route, method in CASES:
        found = list(addresses(route, theirs))
        assert found, f"{route.name}: no address could be made"
        with atomic():
            for address in found:
                answer, text = send(asker, route, method, address)
                asked += 1
                if theirs.is_in(text) and theirs.mark not in address.lower():
                    wrong.append(f"{method} {address} shows the other company's text")
                if names_something(route) and not (
                    answer.status_code in NOTHING_HERE or led_away(route, answer) or refused(route, answer)
                ):
                    wrong.append(f"{method} {address} {route.name} is answered with {answer.status_code}")
            if method != "GET" and rows_of(theirs.tenant) != before:
                wrong.append(f"{method} {route.name} changes the other company")
            transaction.set_rollback(True, using=current_alias())
    assert not wrong, wrong
    assert asked > 500


def refused(route: Route, answer: Any) -> bool:
    """Whether single sign-on refused with its one page, which is the same for a provider nobody has."""
    return route.name == "sso:start" and answer.status_code == 400


def led_away(route: Route, answer: Any) -> bool:
    """Whether a colleague is led from the clients' page of an approval to their own, which is looked up there."""
    return route.name == "portal:approval" and str(answer.get("Location", "")).startswith("/tasks/approvals/")


# --- the tests above can fail


def test_at_home_the_same_addresses_show_the_mark(theirs: Canary, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        host = Domain.objects.get(tenant_id=other_tenant.id, is_canonical=True).host
        client = signed_in_client(
            host, actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        )
        client.raise_request_exception = False
        showing = set()
        for route in ROUTES:
            if "GET" in route.methods:
                for address in addresses(route, theirs):
                    with atomic():
                        _answer, text = send(client, route, "GET", address)
                        if theirs.is_in(text):
                            showing.add(route.name)
                        transaction.set_rollback(True, using=current_alias())
    assert len(showing) > 25, showing
    assert {
        "tasks:detail",
        "task-detail",
        "project-detail",
        "connection-detail",
        "integrations:workspace",
    } <= showing


def test_another_companys_token_is_nobodys_here(
    tenant: TenantRef, host: str, other_tenant: TenantRef
) -> None:
    with tenant_scope(other_tenant):
        owner = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        stranger = token_client(host, owner)
    assert stranger.get("/api/v1/tasks/").status_code == 401
