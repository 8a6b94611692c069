"""A new company goes to a cell of its region that has room; a cell that is away is told apart and harms nobody."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.test import Client

from tenants.foundation.errors import Conflict, InvalidInput
from tenants.models import Tenant
from tenants.tenancy import cells
from tenants.tenancy.cells import cell_states, choose_cell, tenants_per_cell
from tests.companies import create_company, drop_company
from tests.tenants.tenancy.absent_cell import cell_away

Policy = Callable[..., None]


@pytest.fixture
def policy(settings: Any) -> Policy:
    """Change what a cell takes in, for this test."""

    def change(cell: str, **facts: Any) -> None:
        changed = settings.CELL_POLICIES[cell].model_copy(update=facts)
        settings.CELL_POLICIES = {**settings.CELL_POLICIES, cell: changed}

    return change


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """How much work waits in each cell; None: it does not answer."""
    work: dict[str, int | None] = {"cell_1": 0, "cell_2": 0}

    def ask(cell: str, query: str) -> tuple[tuple[int, ...] | None, str]:
        count = work[cell]
        return (None, "away") if count is None else ((count,), "")

    monkeypatch.setattr(cells, "_ask", ask)
    return work


def fill(cell: str, count: int, **facts: Any) -> None:
    for number in range(count):
        name = f"t_{cell}_{number}_{facts.get('state', '')}"
        Tenant.objects.create(
            slug=f"{cell.replace('_', '-')}-{number}{facts.get('state', '')}",
            name="X",
            cell=cell,
            schema=name,
            role=name,
            **facts,
        )


def test_the_region_decides(database: None) -> None:
    assert choose_cell() == "cell_1"
    assert choose_cell("local") == "cell_1"
    assert choose_cell("elsewhere") == "cell_2"


def test_a_region_nobody_is_in_is_refused_with_those_there_are(database: None) -> None:
    with pytest.raises(InvalidInput) as refused:
        choose_cell("the-moon")
    assert refused.value.fields == {"region": ["Choose one of these: elsewhere, local."]}


def test_a_region_whose_cells_are_closed_or_full_is_refused(database: None, policy: Policy) -> None:
    policy("cell_2", is_open=False)
    with pytest.raises(Conflict, match="elsewhere"):
        choose_cell("elsewhere")
    policy("cell_2", is_open=True, most_tenants=1)
    fill("cell_2", 1)
    with pytest.raises(Conflict):
        choose_cell("elsewhere")


def test_the_emptiest_by_its_own_measure_is_chosen(
    database: None, policy: Policy, waiting: dict[str, int | None]
) -> None:
    policy("cell_1", most_tenants=10)
    policy("cell_2", region="local", most_tenants=1000)
    fill("cell_2", 4)  # more companies than cell_1 has, but a smaller share of its room
    waiting["cell_2"] = 10_000
    assert choose_cell() == "cell_2"


def test_among_equals_the_one_with_the_least_work_waiting_is_chosen(
    database: None, policy: Policy, waiting: dict[str, int | None]
) -> None:
    policy("cell_2", region="local")
    fill("cell_2", tenants_per_cell()["cell_1"])
    waiting.update(cell_1=5, cell_2=3)
    assert choose_cell() == "cell_2"
    waiting.update(cell_1=2)
    assert choose_cell() == "cell_1"


def test_a_cell_that_does_not_answer_is_passed_over(
    database: None, policy: Policy, waiting: dict[str, int | None]
) -> None:
    policy("cell_2", region="local")
    waiting["cell_2"] = None
    assert choose_cell() == "cell_1"
    waiting["cell_1"] = None
    with pytest.raises(OperationalError):
        choose_cell()


def test_companies_that_are_gone_take_no_room(database: None) -> None:
    before = tenants_per_cell()
    fill("cell_1", 1, state=Tenant.State.DELETED)
    assert tenants_per_cell() == before


def test_every_cell_is_shown_with_its_load(database: None, companies: tuple[Tenant, Tenant]) -> None:
    first, second = cell_states()
    assert (first.alias, first.region, first.is_up) == ("cell_1", "local", True)
    assert first.tenants >= len(companies)
    assert (second.tenants, second.region) == (0, "elsewhere")
    assert first.bytes
    assert second.bytes
    assert first.relations is not None
    assert second.relations is not None
    assert first.relations > 0 < second.relations
    assert first.most_connections is not None


def test_a_cell_that_is_away_is_listed_with_its_error_and_ends_the_command_with_one(
    databases: None, django_db_blocker: Any
) -> None:
    out = StringIO()
    with (
        django_db_blocker.unblock(),
        cell_away("cell_2"),
        pytest.raises(CommandError, match="cell_2 does not answer"),
    ):
        call_command("cells", "--json", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["is_up"] for line in lines] == [True, False]
    assert "refused" in lines[1]["error"]


def test_with_a_cell_away_companies_elsewhere_are_served_and_those_in_it_told_to_come_back(
    databases: None, companies: tuple[Tenant, Tenant], django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        there = create_company(region="elsewhere")
        try:
            with cell_away("cell_2"):
                elsewhere = Client(headers={"host": "north.localhost"}).get("/account/sign-in/")
                away = Client(headers={"host": f"{there.slug}.localhost"}, raise_request_exception=False)
                answer = away.get("/account/sign-in/")
            assert elsewhere.status_code == 200
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
        finally:
            connections.close_all()
            drop_company(there)
