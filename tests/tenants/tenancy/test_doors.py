"""Every state at every door: pages, forms, API, sign-in, streams, jobs, schedules, events, style sheets, shell."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve
from rest_framework.test import APIClient

from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.accounts.models import ApiToken, Department
from tenants.branding.theme import digest
from tenants.dispatch import Work, enqueue, schedule
from tenants.dispatch.leases import cell_transaction
from tenants.models import Tenant, WorkItem
from tenants.outbox.bus import RELAY
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tenants.tenancy.middleware import TenantMiddleware
from tenants.tenancy.states import does_write_when_read
from tenants.tenancy.transactions import current_alias
from tests.architecture.asking import address_of, ask
from tests.architecture.routes import CASES
from tests.architecture.things import things_of
from tests.companies import OWNER_PASSWORD
from tests.factories.tasks import make_task
from tests.fakes.dispatch import make_due, run_due_work
from tests.people import signed_in_client, token_client
from tests.tenants.dispatch.conftest import Register, job

__all__ = ["job"]

OPEN, CLOSED, GONE = "open", "closed", "gone"
READING_DOORS = ("page", "api read", "token", "stream")
WRITING_DOORS = ("form", "api write")
WORKING_DOORS = ("job", "schedule", "events")


def doors(reads: str, writes: str, signs_in: str, works: str, theme: str = OPEN) -> dict[str, str]:
    return {
        **dict.fromkeys(READING_DOORS, reads),
        **dict.fromkeys(WRITING_DOORS, writes),
        **dict.fromkeys(WORKING_DOORS, works),
        "sign-in": signs_in,
        "shell": OPEN if writes == OPEN else CLOSED,
        "theme": theme,
        "health": OPEN,
    }


TABLE = {
    "provisioning": doors(CLOSED, CLOSED, CLOSED, CLOSED),
    "active": doors(OPEN, OPEN, OPEN, OPEN),
    "suspended": doors(CLOSED, CLOSED, CLOSED, CLOSED),
    "read_only": doors(OPEN, CLOSED, OPEN, CLOSED),
    "exporting": doors(OPEN, OPEN, OPEN, OPEN),
    "moving": doors(OPEN, CLOSED, CLOSED, CLOSED),
    "pending_deletion": doors(CLOSED, CLOSED, CLOSED, CLOSED),
    "deleted": {**doors(GONE, GONE, GONE, CLOSED, theme=GONE), "stream": CLOSED},
}


def test_the_table_knows_every_state() -> None:
    assert set(TABLE) == set(Tenant.State.values)


def standing(answer: Any) -> str:
    """What a door's answer says: open (it was let through), closed for now, or nobody here."""
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) >= 1
        return CLOSED
    return GONE if answer.status_code == 404 else OPEN


@dataclass
class House:
    """One company with everything that may stand before its doors, made while they were open."""

    tenant: TenantRef
    host: str
    client: Client
    api: APIClient
    stranger: Client

    def put(self, state: str) -> None:
        Tenant.objects.filter(pk=self.tenant.id).update(state=state, state_reason="For the test.")
        directory.forget()

    def page(self) -> str:
        return standing(self.client.get("/settings/preferences/"))

    def form(self) -> str:
        answer = self.client.post("/settings/preferences/", {"name": "Renamed", "theme": "system"})
        return standing(answer)

    def api_read(self) -> str:
        return standing(self.client.get("/api/v1/me/"))

    def api_write(self) -> str:
        return standing(self.api.post("/api/v1/tasks/", {"title": "New"}))

    def token(self) -> str:
        return standing(self.api.get("/api/v1/me/"))

    def sign_in(self) -> str:
        answer = self.stranger.post(
            "/account/sign-in/",
            {"login": f"owner@{self.tenant.slug}.example", "password": OWNER_PASSWORD},
        )
        return OPEN if answer.status_code == 302 else standing(answer)

    def theme(self) -> str:
        return standing(self.client.get(f"/theme/{self.tenant.slug}-{digest(self.tenant.brand_color)}.css"))

    def health(self) -> str:
        return standing(self.client.get("/healthz"))

    def stream(self, state: str) -> str:
        """A page that watches when the state changes: does it go on?"""

        def parts() -> Iterator[bytes]:
            while True:
                yield b"data: 1\n\n"

        request: HttpRequest = RequestFactory().get("/", headers={"host": self.host})
        answer = TenantMiddleware(lambda _request: StreamingHttpResponse(parts()))(request)
        told = iter(answer)
        assert next(told)
        self.put(state)
        return OPEN if next(told, b"") else CLOSED

    def job(self, runs: list[Work]) -> str:
        run_due_work(self.tenant, kind="test.door")
        return OPEN if runs else CLOSED

    def schedule(self, runs: list[Work]) -> str:
        for _ in range(3):
            make_due(self.tenant, kind="test.recurring")
            run_due_work(self.tenant, kind="test.recurring")
        with cell_transaction(self.tenant.cell):
            rows = WorkItem.objects.filter(kind="test.recurring")
            assert rows.filter(state="ready").count() == 1, "a schedule must not pile up"
            assert not rows.filter(state="dead").exists()
        return OPEN if runs else CLOSED

    def events(self) -> str:
        outcomes = run_due_work(self.tenant, kind=RELAY)[RELAY]
        return OPEN if set(outcomes) == {"done"} else CLOSED

    def shell(self) -> str:
        try:
            call_command(
                "dead_letters", tenant=self.tenant.slug, retry="all", stdout=StringIO(), stderr=StringIO()
            )
        except CommandError:
            return CLOSED
        return OPEN


@pytest.fixture
def house(tenant: TenantRef, host: str, owner: UserActor) -> House:
    return House(
        tenant,
        host,
        signed_in_client(host, owner),
        token_client(host, owner),
        Client(headers={"host": host}),
    )


@pytest.mark.parametrize("state", TABLE)
def test_every_door_goes_by_the_state(house: House, state: str, job: Register) -> None:
    runs: list[Work] = []
    recurring: list[Work] = []
    job("test.door")(runs.append)
    job("test.recurring")(recurring.append)
    with atomic():
        enqueue("test.door")
        schedule("test.recurring", every=timedelta(minutes=1))
        enqueue("test.unheard_of")
        make_task(title="Published")
        enqueue(RELAY)
    run_due_work(house.tenant, kind="test.unheard_of")

    stream = house.stream(state)
    found = {
        "page": house.page(),
        "form": house.form(),
        "api read": house.api_read(),
        "api write": house.api_write(),
        "token": house.token(),
        "stream": stream,
        "sign-in": house.sign_in(),
        "theme": house.theme(),
        "health": house.health(),
        "job": house.job(runs),
        "schedule": house.schedule(recurring),
        "events": house.events(),
        "shell": house.shell(),
    }

    assert found == TABLE[state]


@pytest.mark.parametrize("state", [state for state, row in TABLE.items() if CLOSED in row.values()])
def test_who_finds_a_door_closed_is_told_why_in_plain_words(house: House, state: str) -> None:
    house.put(state)
    page = house.client.post("/settings/preferences/", {"name": "Lost?"})
    if state == "deleted":
        assert b"For the test." not in page.content
        return
    assert b"For the test." in page.content
    assert b"Nothing was saved" in page.content or b"is not available at the moment" in page.content
    problem = house.api.post("/api/v1/tasks/", {"title": "New"})
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == f"tenants.{state}"
    assert "For the test." in problem.json()["detail"]


def test_nothing_typed_into_a_form_is_lost_while_a_company_is_read_only(house: House) -> None:
    house.put("read_only")
    answer = house.client.post("/settings/preferences/", {"name": "x"}, headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["HX-Reswap"]) == (409, "none")
    toast = json.loads(answer.headers["HX-Trigger"])["toast"]["text"]
    assert toast.startswith("Nothing was saved.")
    assert toast.endswith("For the test.")


def test_every_page_of_a_read_only_company_says_that_it_is(house: House) -> None:
    assert b"Read-only:" not in house.client.get("/settings/preferences/").content
    house.put("read_only")
    assert b"Read-only:" in house.client.get("/settings/preferences/").content


def test_one_can_sign_out_of_a_read_only_company_and_in_again(house: House) -> None:
    house.put("read_only")
    assert house.client.post("/account/sign-out/").status_code == 302
    assert house.client.get("/settings/preferences/").status_code == 302
    assert house.sign_in() == OPEN
    assert house.stranger.get("/settings/preferences/").status_code == 200


def test_what_stays_open_to_a_closed_company_looks_at_nobodys_session(
    house: House, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Its tables may be gone by then, or on their way."""
    house.put("suspended")
    assert house.theme() == OPEN
    with django_assert_num_queries(0, using=house.tenant.cell):
        house.theme()


def test_a_token_notes_no_use_where_nothing_may_be_written(house: House) -> None:
    house.put("moving")
    assert house.token() == OPEN
    assert set(ApiToken.objects.values_list("last_used_at", flat=True)) == {None}
    house.put("active")
    house.token()
    assert None not in set(ApiToken.objects.values_list("last_used_at", flat=True))


def test_no_page_that_may_be_read_writes_anything(house: House, tenant: TenantRef) -> None:
    """Asked in a transaction that may only read: what writes in passing would be a 500 while a company moves."""
    things = things_of(tenant)
    wrong = []
    for route, method in CASES:
        # Where signing in begins something is written: there the door itself is closed meanwhile.
        if method != "GET" or does_write_when_read(resolve(address_of(route, things)).func):
            continue
        with atomic():
            connections[tenant.cell].connection.execute("SET TRANSACTION READ ONLY")
            answer = ask(house.client, route, method, things)
            transaction.set_rollback(True, using=current_alias())
        if answer.status_code >= 500:
            wrong.append((route.name, answer.status_code))
    assert wrong == []


def test_a_write_in_such_a_transaction_is_refused(tenant: TenantRef) -> None:
    """So that the test above cannot pass by mistake."""
    with pytest.raises(Exception, match="read-only transaction"), atomic():
        connections[tenant.cell].connection.execute("SET TRANSACTION READ ONLY")
        Department.objects.create(name="X", key="X")
    assert not Task.objects.filter(title="X").exists()
