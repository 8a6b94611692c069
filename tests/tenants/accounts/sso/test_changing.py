"""Changes of a provider in use: a second person agrees, nothing holds before, and everybody else is told."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.deciding import approve_change, refuse_change
from tenants.accounts.access.second_person import SecondPersonNeeded
from tenants.accounts.models import AccessPolicy, IdentityProvider, ProposedChange, SsoLogEntry, User
from tenants.accounts.sso import services
from tenants.accounts.sso.notices import send_notices
from tenants.accounts.sso.sso_log import NOTICE_JOB
from tenants.foundation.errors import Conflict, Forbidden
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope
from tests.people import person, signed_in_client, token_client
from tests.tenants.accounts.sso.conftest import changed, switched_on


@pytest.fixture
def second(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.ADMIN, "Second Admin-Example")


@pytest.fixture
def in_use(admin: UserActor, second: UserActor) -> IdentityProvider:
    made = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    change = services.ProviderChange(
        values={"issuer": "https://op.example", "client_id": "nts"}, client_secret="the old one"
    )
    return switched_on(changed(made, change, admin))


def proposed(provider: IdentityProvider, actor: UserActor, **values: object) -> ProposedChange:
    waiting = services.change_provider(
        provider=provider,
        change=services.ProviderChange(values=dict(values), client_secret="the new one"),
        actor=actor,
        reason="We move.",
    )
    assert isinstance(waiting, ProposedChange)
    return waiting


def test_nothing_holds_before_a_second_person_agreed(
    in_use: IdentityProvider, admin: UserActor, second: UserActor
) -> None:
    waiting = proposed(in_use, admin, issuer="https://new.example")
    row = IdentityProvider.objects.get()
    assert (row.issuer, services.client_secret(row)) == ("https://op.example", "the old one")
    assert {line["field"] for line in waiting.diff} == {"issuer", "client_secret"}
    assert "the new one" not in str(ProposedChange.objects.filter(pk=waiting.pk).values().get())
    with pytest.raises(Forbidden):
        approve_change(change=waiting, actor=admin)
    approve_change(change=waiting, actor=second)
    row = IdentityProvider.objects.get()
    assert (row.issuer, services.client_secret(row), row.state) == (
        "https://new.example", "the new one", "active",
    )  # fmt: skip
    assert row.revision == in_use.revision + 1


def test_what_was_refused_or_overtaken_never_holds(
    in_use: IdentityProvider, admin: UserActor, second: UserActor
) -> None:
    refuse_change(change=proposed(in_use, admin, issuer="https://new.example"), actor=second)
    waiting = proposed(in_use, admin, issuer="https://newer.example")
    IdentityProvider.objects.update(client_id="changed meanwhile")
    with pytest.raises(Conflict):
        approve_change(change=waiting, actor=second)
    assert IdentityProvider.objects.get().issuer == "https://op.example"


def test_rules_of_a_provider_in_use_wait_as_well(
    in_use: IdentityProvider, admin: UserActor, second: UserActor
) -> None:
    waiting = services.set_group_rules(provider=in_use, rules={"Makers": "manager"}, actor=admin)
    assert isinstance(waiting, ProposedChange)
    assert not in_use.group_rules.exists()
    approve_change(change=waiting, actor=second)
    assert in_use.group_rules.get().role == "manager"


def test_enforcing_ends_by_two_where_the_company_wants_it(
    in_use: IdentityProvider, admin: UserActor, second: UserActor
) -> None:
    IdentityProvider.objects.update(state="enforced")
    with pytest.raises(Conflict):
        services.set_state(provider=in_use, state="active", actor=admin)
    AccessPolicy.objects.update_or_create(defaults={"two_people_for": ["sso_enforcement"]})
    waiting = services.stop_enforcing(provider=in_use, actor=admin)
    assert isinstance(waiting, ProposedChange)
    assert IdentityProvider.objects.get().state == "enforced"
    approve_change(change=waiting, actor=second)
    assert IdentityProvider.objects.get().state == "active"


def test_everybody_else_who_looks_after_it_gets_a_letter(
    in_use: IdentityProvider, admin: UserActor, second: UserActor, owner: UserActor, tenant: TenantRef
) -> None:
    guard = person(tenant, Role.SECURITY, "Sam Security-Example")
    member = person(tenant, Role.MEMBER)
    approve_change(change=proposed(in_use, admin, issuer="https://new.example"), actor=second)
    entry = SsoLogEntry.objects.filter(event="provider.changed").latest("at")
    mail.outbox.clear()
    send_notices(entry.pk)
    told = {letter.to[0] for letter in mail.outbox}
    assert {second.user.email, owner.user.email, guard.user.email} <= told
    assert not {admin.user.email, member.user.email} & told
    assert "the new one" not in "".join(str(letter.body) for letter in mail.outbox)


def test_pages_and_programs_are_told_that_it_waits(
    in_use: IdentityProvider, admin: UserActor, host: str
) -> None:
    api = token_client(host, admin)
    answer = api.patch(f"/api/v1/identity-providers/{in_use.pk}/", {"issuer": "https://new.example"})
    assert (answer.status_code, answer.json()["kind"]) == (202, "sso.change_provider"), answer.content
    browser: Client = signed_in_client(host, admin)
    saved = browser.post(
        f"/settings/sign-in/{in_use.pk}/change/", {"part": "rules", "rules": "Makers = manager"}
    )
    assert saved["Location"].startswith("/settings/changes/")
    assert IdentityProvider.objects.get().issuer == "https://op.example"


def tried(provider: IdentityProvider) -> IdentityProvider:
    """As after a test that got through."""
    provider.refresh_from_db()
    provider.tested_at, provider.tested_revision, provider.test_grade = timezone.now(), provider.revision, "A"
    provider.save()
    return provider


def test_one_person_does_not_take_a_provider_out_of_use_to_point_it_elsewhere(
    in_use: IdentityProvider, admin: UserActor, second: UserActor, host: str
) -> None:
    """Switched off, changed, tested and switched on again it would have been changed in use by one."""
    services.set_state(provider=tried(in_use), state="test", actor=admin)
    change = services.ProviderChange(values={"issuer": "https://mallory.example"})
    switched_off = changed(in_use, change, admin)
    tried(switched_off)
    with pytest.raises(SecondPersonNeeded):
        services.set_state(provider=switched_off, state="active", actor=admin)
    page = signed_in_client(host, admin).post(
        f"/settings/sign-in/{in_use.pk}/state/", {"state": "active"}, follow=True
    )
    assert b"mallory.example" in page.content
    assert IdentityProvider.objects.get().state == "test"
    waiting = ProposedChange.objects.get()
    with pytest.raises(Forbidden):
        approve_change(change=waiting, actor=admin)
    approve_change(change=waiting, actor=second)
    assert IdentityProvider.objects.get().state == "active"


def test_what_was_changed_since_it_was_to_be_switched_on_is_not(
    in_use: IdentityProvider, admin: UserActor, second: UserActor
) -> None:
    services.set_state(provider=tried(in_use), state="test", actor=admin)
    waiting = services.switch_on(provider=in_use, actor=admin)
    assert isinstance(waiting, ProposedChange)
    services.set_group_rules(provider=in_use, rules={"Makers": "admin"}, actor=admin)
    with pytest.raises(Conflict, match="has changed since"):
        approve_change(change=waiting, actor=second)
    assert IdentityProvider.objects.get().state == "test"


def test_the_only_one_switches_a_provider_on_alone_and_that_is_written_down(admin: UserActor) -> None:
    made = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    change = services.ProviderChange(
        values={"issuer": "https://op.example", "client_id": "nts"}, client_secret="a secret"
    )
    ready = changed(made, change, admin)
    User.objects.exclude(pk=admin.user_id).update(is_active=False)
    tried(ready)
    services.set_state(provider=ready, state="test", actor=admin)
    assert isinstance(services.switch_on(provider=ready, actor=admin), IdentityProvider)
    assert IdentityProvider.objects.get().state == "active"
    assert ProposedChange.objects.get().is_alone


def test_everybody_else_is_told_of_a_provider_one_person_switched_on(
    admin: UserActor, second: UserActor, tenant: TenantRef
) -> None:
    """Where the company wants one person for it: from now on somebody new says who people are."""
    AccessPolicy.objects.update_or_create(defaults={"two_people_for": []})
    made = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    change = services.ProviderChange(
        values={"issuer": "https://op.example", "client_id": "nts"}, client_secret="a secret"
    )
    ready = changed(made, change, admin)
    tried(ready)
    services.set_state(provider=ready, state="test", actor=admin)
    assert isinstance(services.switch_on(provider=ready, actor=admin), IdentityProvider)
    entry = SsoLogEntry.objects.get(event="provider.active")
    with cell_scope(tenant.cell):
        asked = WorkItem.objects.using(tenant.cell).filter(kind=NOTICE_JOB, object_id=entry.pk)
        assert asked.count() == 1
    mail.outbox.clear()
    send_notices(entry.pk)
    assert second.user.email in {letter.to[0] for letter in mail.outbox}
