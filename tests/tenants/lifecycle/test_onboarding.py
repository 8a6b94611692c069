"""Companies come in: with an owner at once or with an invitation, and a call cut short is finished by the next."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import OperationalError, connections
from psycopg import sql
from pytest_django import DjangoDbBlocker, Settings

from tenants.accounts.access import Role
from tenants.accounts.invitations.services import accept_invitation, open_invitation
from tenants.accounts.models import User
from tenants.accounts.selectors import owners
from tenants.accounts.tidying import TIDY_UP_JOB
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle import onboarding_steps
from tenants.lifecycle.onboarding import Onboarded, give_up_onboarding, issue_owners_link, onboard_tenant
from tenants.lifecycle.operations import run_operation
from tenants.models import Operation, Tenant, WorkItem
from tenants.tenancy import atomic, cell_scope, self_test, tenant_scope
from tenants.tenancy.cells import choose_cell
from tenants.tenancy.databases import owner_aliases, owner_connection
from tenants.tenancy.provisioning import provision_schema
from tenants.tenancy.self_test import NotIsolated
from tenants.tenancy.spares import refill_spares
from tests.companies import OWNER_PASSWORD, create_company, drop_company

type Onboard = Callable[..., Onboarded]


@pytest.fixture
def onboard(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Onboard]:
    """Takes a company in for good; it is dropped when the test ends."""
    slug = f"t-{uuid4().hex[:8]}"

    def take_in(**options: object) -> Onboarded:
        facts = {"slug": slug, "name": "Works", "owner_email": "bo@works.example", "owner_name": "Bo Example"}
        return onboard_tenant(**facts | options)  # type: ignore[arg-type]

    with django_db_blocker.unblock():
        yield take_in
        connections.close_all()
        for company in Tenant.objects.filter(slug=slug):
            drop_company(company)


def test_a_company_whose_owner_is_invited_lacks_nothing(onboard: Onboard) -> None:
    done = onboard()

    assert done.owner_id is None
    assert done.invitation is not None
    assert done.tenant.state == "active"
    with tenant_scope(done.tenant), atomic():
        assert not User.objects.exists()
        accept_invitation(token=done.invitation.reveal(), name="Bo Example", password=OWNER_PASSWORD)
        assert [binding.role for binding in owners()] == [Role.OWNER]
    with cell_scope(done.tenant.cell), atomic():
        assert WorkItem.objects.filter(tenant_id=done.tenant.id, kind=TIDY_UP_JOB).count() == 1


@pytest.mark.parametrize("room", [1, 2])
def test_a_cell_takes_in_no_more_than_it_may_however_many_come_at_once(
    databases: None,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    room: int,
) -> None:
    policy = settings.CELL_POLICIES["cell_2"].model_copy(update={"most_tenants": room})
    settings.CELL_POLICIES = {**settings.CELL_POLICIES, "cell_2": policy}
    both_have_chosen, chosen = Barrier(2), local()

    def choose(region: str | None) -> str:
        cell = choose_cell(region)
        if not getattr(chosen, "once", False):
            chosen.once = True
            both_have_chosen.wait(20)
        return cell

    def take_in(slug: str) -> bool:
        try:
            with django_db_blocker.unblock():
                create_company(slug, region="elsewhere")
        except Conflict:
            return False
        finally:
            connections.close_all()
        return True

    monkeypatch.setattr("tenants.lifecycle.onboarding_steps.choose_cell", choose)
    slugs = [f"t-{uuid4().hex[:8]}" for _ in range(2)]
    with django_db_blocker.unblock():
        try:
            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(take_in, slugs)) == [room == 2, True]
            assert Tenant.objects.filter(cell="cell_2", slug__in=slugs).count() == room
        finally:
            for company in Tenant.objects.filter(slug__in=slugs):
                drop_company(company)
            connections.close_all()


@pytest.fixture
def no_owner() -> Iterator[Callable[[], None]]:
    """This process was not given the owner's connections, until the function is called."""
    names = {alias: settings.DATABASES[alias]["NAME"] for alias in owner_aliases()}

    def give_back() -> None:
        for alias, name in names.items():
            settings.DATABASES[alias]["NAME"] = name

    for alias in names:
        settings.DATABASES[alias]["NAME"] = ""
    yield give_back
    give_back()


def test_a_process_without_the_owner_takes_a_company_in_by_a_spare(
    onboard: Onboard, no_owner: Callable[[], None]
) -> None:
    no_owner()
    cell = choose_cell()
    refill_spares(cell, wanted=1)
    for alias in owner_aliases():
        settings.DATABASES[alias]["NAME"] = ""
    done = onboard(owner_password=OWNER_PASSWORD)
    no_owner()
    assert done.tenant.state == "active"


def test_without_the_owner_and_without_a_spare_the_workers_make_the_schema(
    onboard: Onboard, no_owner: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Operation] = []

    def work(operation: Operation) -> None:
        asked.append(operation)
        no_owner()
        run_operation(operation.pk)

    monkeypatch.setattr("tenants.lifecycle.onboarding.ask_for_run", work)
    done = onboard(owner_password=OWNER_PASSWORD)
    assert len(asked) == 1
    assert done.tenant.state == "active"
    assert done.owner_id is not None


def test_a_caller_is_told_when_the_workers_take_their_time(
    onboard: Onboard, no_owner: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.lifecycle.onboarding.ask_for_run", lambda operation: None)
    monkeypatch.setattr("tenants.lifecycle.onboarding.WORKERS_SECONDS", 0.1)
    with pytest.raises(Conflict) as told:
        onboard()
    assert told.value.code == "operations.under_way"
    no_owner()
    assert onboard().tenant.state == "active", "the next call finishes it"


def refuse(**_: object) -> None:
    raise RuntimeError("The machine is on fire.")


def test_what_is_refused_leaves_nothing_and_the_address_free(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="on fire"):
        broken.setattr(onboarding_steps, "ensure_first_owner", refuse)
        onboard(owner_password=OWNER_PASSWORD)
    operation = Operation.objects.latest("created_at")
    assert operation.state == Operation.State.UNDONE
    assert "on fire" in operation.error
    assert not Tenant.objects.filter(slug=operation.tenant_slug).exists()

    done = onboard(owner_password=OWNER_PASSWORD)

    assert done.owner_id is not None
    with pytest.raises(Conflict, match="Another company"):
        onboard(owner_password=OWNER_PASSWORD)


def test_what_waits_for_a_database_is_finished_by_the_next_call(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_away(*_: object) -> None:
        raise OperationalError("The server is restarting.")

    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(onboarding_steps, "provision_schema", go_away)
        onboard(owner_password=OWNER_PASSWORD)
    left = Operation.objects.latest("created_at")
    assert (left.state, left.step, left.steps_done) == (
        Operation.State.RUNNING, "schema", ["reserve", "data_key"],
    )  # fmt: skip

    with pytest.raises(Conflict, match="Another company"):
        onboard(owner_email="somebody.else@other.example", owner_password=OWNER_PASSWORD)
    done = onboard(owner_password=OWNER_PASSWORD)

    left.refresh_from_db()
    assert (left.state, left.tenant_id) == (Operation.State.SUCCEEDED, done.tenant.id)
    assert done.owner_id is not None


def test_a_companys_walls_are_tried_before_its_doors_open(
    onboard: Onboard, companies: tuple[Tenant, Tenant]
) -> None:
    onboard()
    operation = Operation.objects.latest("created_at")
    assert operation.context["self_test"] == [
        "own role and schema", "own canary", "work of all", "a neighbour's rows",
    ]  # fmt: skip


def test_a_company_that_may_be_its_neighbour_is_not_taken_in(
    onboard: Onboard, companies: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    def provision_badly(tenant: Tenant) -> bool:
        made = provision_schema(tenant)
        with owner_connection(f"{tenant.cell}_owner") as connection:
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(
                    sql.Identifier(companies[0].role), sql.Identifier(tenant.role)
                )
            )
        return made

    monkeypatch.setattr(onboarding_steps, "provision_schema", provision_badly)
    monkeypatch.setattr(onboarding_steps, "neighbour_of", lambda _tenant: companies[0].schema)
    with pytest.raises(NotIsolated, match="another company's rows"):
        onboard()
    assert Operation.objects.latest("created_at").state == Operation.State.UNDONE


def test_a_company_that_may_read_what_all_share_is_not_taken_in(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "WORK_OF_ALL", "SELECT count(*) FROM django_content_type")
    with pytest.raises(NotIsolated, match="the work of all"):
        onboard()
    assert Operation.objects.latest("created_at").state == Operation.State.UNDONE


def test_no_secret_stays_in_the_operation(onboard: Onboard) -> None:
    onboard(owner_password=OWNER_PASSWORD)
    operation = Operation.objects.latest("created_at")
    assert "sealed_hash" not in operation.input
    assert "pbkdf2" not in str(operation.__dict__)
    assert OWNER_PASSWORD not in str(operation.__dict__)


def test_the_link_of_an_invited_owner_can_be_made_again(onboard: Onboard) -> None:
    done = onboard()
    assert done.invitation is not None
    company = Tenant.objects.get(pk=done.tenant.id)

    again = issue_owners_link(company)

    assert again is not None
    with tenant_scope(done.tenant), atomic():
        with pytest.raises(NotFound):
            open_invitation(done.invitation.reveal())
        accept_invitation(token=again.reveal(), name="Bo Example", password=OWNER_PASSWORD)
    assert issue_owners_link(company) is None


def test_an_onboarding_is_given_up_only_while_the_doors_are_closed(
    onboard: Onboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_away(*_: object) -> None:
        raise OperationalError("The server is restarting.")

    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(onboarding_steps, "check_isolation", go_away)
        onboard()
    operation = give_up_onboarding(Operation.objects.latest("created_at").pk, reason="Nobody wants it.")
    assert (operation.state, operation.error) == (Operation.State.UNDONE, "Nobody wants it.")
    assert not Tenant.objects.filter(slug=operation.tenant_slug).exists()

    onboard()
    with pytest.raises(Conflict, match="is open"):
        give_up_onboarding(Operation.objects.latest("created_at").pk, reason="Too late.")


def test_a_password_that_breaks_the_rules_is_refused_before_anything_is_made(onboard: Onboard) -> None:
    with pytest.raises(InvalidInput) as caught:
        onboard(owner_password="short")
    assert "password" in caught.value.fields


def test_a_company_comes_into_the_region_it_asked_for(onboard: Onboard) -> None:
    done = onboard(region="elsewhere")
    assert done.tenant.cell == "cell_2"
    assert Tenant.objects.get(pk=done.tenant.id).region == "elsewhere"
    with pytest.raises(InvalidInput):
        onboard(slug="moon-works", region="the moon")
    assert not Tenant.objects.filter(slug="moon-works").exists()


@pytest.mark.parametrize(
    "slug", ["", "-a", "Großbau", "a" * 41, "a.b", "ab\n", "xn--80ak6aa92e", "www", "api"]
)
def test_an_address_that_cannot_be_one_is_refused(onboard: Onboard, slug: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        onboard(slug=slug)
    assert "slug" in caught.value.fields
