"""The checks against Notion's own document find what they are there to find."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller

pytestmark = pytest.mark.skipif(not contract.is_available, reason=contract.why_not)


def test_a_whole_page_conforms_and_one_without_its_times_does_not(notion: Caller) -> None:
    page = notion.get(f"/v1/pages/{sample.task_id(1)}").body
    contract.assert_response_conforms("GET /v1/pages/{page_id}", page)
    broken = copy.deepcopy(page)
    del broken["last_edited_time"]
    with pytest.raises(AssertionError):
        contract.assert_response_conforms("GET /v1/pages/{page_id}", broken)


def test_a_number_as_text_does_not_conform(notion: Caller) -> None:
    page = copy.deepcopy(notion.get(f"/v1/pages/{sample.task_id(1)}").body)
    page["properties"]["Hours"]["number"] = "3"
    with pytest.raises(AssertionError):
        contract.assert_response_conforms("GET /v1/pages/{page_id}", page)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("POST /v1/data_sources/{data_source_id}/query", {"sorting": []}),
        ("POST /v1/search", {"filter": {"property": "object", "value": "database"}}),
        ("PATCH /v1/pages/{page_id}", {"archived": True}),
    ],
)
def test_a_request_notion_does_not_know_does_not_conform(endpoint: str, body: Any) -> None:
    with pytest.raises(AssertionError):
        contract.assert_request_conforms(endpoint, body)


def test_a_paragraph_without_the_newest_key_does_not_conform(notion: Caller) -> None:
    block = {"paragraph": {"rich_text": [{"text": {"content": "x"}}]}}
    path = f"/v1/blocks/{sample.task_id(1)}/children"
    made = notion.patch(path, {"children": [block]}).body["results"][0]
    contract.assert_objects_conform(made)
    del made["paragraph"]["icon"]
    with pytest.raises(AssertionError):
        contract.assert_objects_conform(made)
