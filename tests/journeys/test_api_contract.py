"""The API does what its description says: every operation, with thousands of generated requests."""

import os
import re
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tenants.models import Tenant
from tenants.tenancy import tenant_scope
from tests.conftest import undone
from tests.journeys.described_api import Aim, AnyCase, World, described_api, furnished, nothing_kept

SCHEMA = described_api(examples=int(os.environ.get("API_EXAMPLES", "10")))
# What a description cannot tell: whether a place in a list, a row, a token or a name still fits today.
BEYOND_DESCRIPTION = {
    "cursor", "/token", "/name", "/key", "/due_on", "/time_zone", "/choices", "/connection_id",
    "/department_id", "/project_id", "/parent_id", "/assignee_ids", "assignee", "department", "project",
}  # fmt: skip


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
