"""The API does what its description says: every operation, with thousands of generated requests."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tenants.models import Tenant
from tenants.tenancy import tenant_scope
from tests.conftest import undone
from tests.journeys.described_api import Aim, AnyCase, World, described_api, furnished, nothing_kept

# More are worth their minutes after a change to the API: API_EXAMPLES=300 pytest tests/journeys/test_api_contract.py
SCHEMA = described_api(examples=int(os.environ.get("API_EXAMPLES", "10")))
# What a description cannot tell: whether a place in a list, a row, a token or a name still fits today.
BEYOND_DESCRIPTION = {
    "cursor", "/token", "/confirm", "/name", "/key", "/due_on", "/time_zone", "/choices", "/connection_id",
    "/department_id", "/project_id", "/milestone_id", "/parent_id", "/assignee_ids", "assignee", "department",
    "project",
}  # fmt: skip
CHAINS = hypothesis_settings(
    max_examples=10,
    stateful_step_count=6,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# Rows that are made, read, changed and removed: the fewer the verbs, the longer the chains between them.
CHAINED = {
    "tasks": ["tasks_create", "tasks_retrieve", "tasks_partial_update"],
    "projects": ["projects_create", "projects_retrieve", "projects_partial_update"],
    "connections": ["connections_list", "connections_retrieve", "connections_destroy"],
}


@pytest.fixture(scope="module")
def world(companies: tuple[Tenant, Tenant], django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with undone(django_db_blocker), tenant_scope(companies[0].ref) as tenant, furnished(tenant) as made:
        yield made


@pytest.fixture(scope="module")
def aim(world: World) -> Aim:
    return Aim(world)


def well_formed_is_accepted(context: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """As the check it calls, but for refusals that are only about what a description cannot tell."""
    if response.status_code == 422:
        entries = response.json().get("errors", [])
        places = {
            entry["parameter"] if "parameter" in entry else re.sub("(?<=.)/.*", "", entry["pointer"])
            for entry in entries
        }
        if places and places <= BEYOND_DESCRIPTION:
            return None
    return positive_data_acceptance(context, response, case)


@SCHEMA.parametrize()
def test_the_api_is_as_described(case: AnyCase, aim: Aim) -> None:
    aim.at_rows(case)
    with nothing_kept(aim.world.tenant):
        case.call_and_validate(
            base_url="http://north.localhost",
            headers={"Authorization": f"Bearer {aim.world.token}"},
            additional_checks=[well_formed_is_accepted],
            excluded_checks=[positive_data_acceptance],
        )


@pytest.mark.parametrize("kind", CHAINED)
def test_what_was_made_is_there_and_what_was_removed_is_gone(aim: Aim, kind: str) -> None:
    """Chains of requests: ids of one answer go into the next request (`use_after_free` and its sisters)."""

    class Chain(SCHEMA.include(operation_id=CHAINED[kind]).as_state_machine()):  # type: ignore[misc]  # made at run time
        def setup(self) -> None:
            self.undoing = nothing_kept(aim.world.tenant)
            self.undoing.__enter__()

        def teardown(self) -> None:
            self.undoing.__exit__(None, None, None)
            super().teardown()

        def get_call_kwargs(self, case: AnyCase) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {aim.world.token}"}
            return {"base_url": "http://north.localhost", "headers": headers}

        def before_call(self, case: AnyCase) -> None:
            aim.from_body(case)
            steps[case.operation.label] += 1

        def validate_response(self, response: Response, case: AnyCase, **call: Any) -> None:
            case.validate_response(
                response,
                headers=call["headers"],
                transport_kwargs=call,
                recorder=self.recorder,
                additional_checks=[well_formed_is_accepted],
                excluded_checks=[positive_data_acceptance],
            )

    steps: Counter[str] = Counter()
    Chain.run(settings=CHAINS)
    assert sum(steps.values()) > 2 * CHAINS.max_examples
    assert len(steps) == len(CHAINED[kind])
