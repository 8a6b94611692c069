"""What the filters offer."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tasks.facets import FACETS, FacetOption, facet_options
from tasks.filters import TaskFilters
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import NotFound
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_person, make_project, make_task


def counts(options: list[FacetOption]) -> dict[str, int | None]:
    return {option.label: option.count for option in options}


def test_options_are_counted_under_the_other_filters_only(tenant: TenantRef) -> None:
    make_task(status="blocked", priority=4)
    make_task(status="planned", priority=4)
    make_task(status="planned", priority=1)
    filters = TaskFilters(statuses=("blocked",), priorities=(4,))
    by_status = facet_options(actor=SYSTEM, filters=filters, facet="status")
    assert counts(by_status)["Blocked"] == 1
    assert counts(by_status)["Planned"] == 1
    assert [option.value for option in by_status if option.is_selected] == ["blocked"]
    by_priority = facet_options(actor=SYSTEM, filters=filters, facet="priority")
    assert [(option.label, option.count) for option in by_priority][:2] == [("Urgent", 1), ("High", 0)]


def test_people_projects_departments_tags_and_sources_are_offered(tenant: TenantRef) -> None:
    ann, ben = make_person(name="Ann Demo"), make_person(name="Ben Demo")
    roads, salt = make_department(name="Roads"), make_project(name="Salt")
    make_task(assignees=[ann], department=roads, tags=["ice", "road"], source="North")
    make_task(assignees=[ann, ben], project=salt, tags=["ice"])
    make_task()

    def offered(facet: str, words: str = "") -> dict[str, int | None]:
        return counts(facet_options(actor=SYSTEM, filters=TaskFilters(), facet=facet, words=words))

    assert offered("assignee") == {"Me": None, "Nobody": 1, "Ann Demo": 2, "Ben Demo": 1}
    assert offered("assignee", "ben") == {"Me": None, "Nobody": 1, "Ben Demo": 1}
    assert offered("department") == {"Roads": 1, "No department": 2}
    assert offered("project") == {"Salt": 1, "No project": 2}
    assert offered("tag") == {"ice": 2, "road": 1}
    assert offered("tag", "RO") == {"road": 1}
    assert offered("source") == {"North": 1}


@pytest.mark.parametrize("facet", FACETS)
def test_an_offer_costs_two_queries_at_most(tenant: TenantRef, facet: str) -> None:
    for _ in range(3):
        make_task(assignees=[make_person()], department=make_department(), tags=["a"], source="s")
    with CaptureQueriesContext(connections[tenant.cell]) as sent:
        assert facet_options(actor=SYSTEM, filters=TaskFilters(), facet=facet)
    assert len(sent) <= 2


def test_an_unknown_filter_offers_nothing(tenant: TenantRef) -> None:
    with pytest.raises(NotFound):
        facet_options(actor=SYSTEM, filters=TaskFilters(), facet="colour")
