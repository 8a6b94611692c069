"""`notion-client` from PyPI, unmodified, works on the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from notion_client import APIResponseError, Client
from notion_client.helpers import (
    collect_paginated_api,
    is_full_data_source,
    is_full_page,
    iterate_paginated_api,
)

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import RunningSandbox
from tests.integrations.sandbox.notion import sample

Loader = Callable[..., None]


@pytest.fixture(params=["2026-03-11", "2025-09-03"])
def client(running: RunningSandbox, request: pytest.FixtureRequest) -> Iterator[Any]:
    with httpx.Client() as http:
        yield Client(
            auth=sample.TOKEN,
            base_url=running.base_url,
            notion_version=request.param,
            client=http,
            retry=False,
        )


def test_it_finds_data_sources_by_search(client: Any) -> None:
    found = client.search(filter={"property": "object", "value": "data_source"})["results"]
    assert [source["id"] for source in found] == [sample.TASKS]
    assert is_full_data_source(found[0])


def test_it_reads_all_rows(client: Any, with_tasks: Loader, sandbox: Sandbox) -> None:
    with_tasks(*sample.tasks(230))
    rows = collect_paginated_api(client.data_sources.query, data_source_id=sample.TASKS)
    assert {row["id"] for row in rows} == {sample.task_id(number) for number in range(1, 231)}
    assert all(is_full_page(row) for row in rows)
    assert sandbox.report()["by_endpoint"] == {"POST /v1/data_sources/{data_source_id}/query": 3}
    some = iterate_paginated_api(client.data_sources.query, data_source_id=sample.TASKS, page_size=50)
    assert len(list(some)) == 230


def test_it_filters_and_sorts(client: Any) -> None:
    rows = client.data_sources.query(
        sample.TASKS,
        filter={"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-07-01T00:03:00Z"}},
        sorts=[{"timestamp": "last_edited_time", "direction": "ascending"}],
        filter_properties=["title"],
    )["results"]
    assert [row["id"] for row in rows] == [sample.task_id(number) for number in (3, 4, 5)]
    assert set(rows[0]["properties"]) == {"Name"}


def test_it_reads_pages_properties_users_databases_and_blocks(client: Any) -> None:
    page = client.pages.retrieve(sample.task_id(1))
    assert is_full_page(page)
    status = client.pages.properties.retrieve(page["id"], page["properties"]["Status"]["id"])
    assert status["status"]["name"] == "Not started"
    assert client.users.me()["id"] == sample.BOT
    assert client.users.retrieve(sample.ADA)["name"] == "Ada Sample"
    assert len(client.users.list()["results"]) == 3
    database = client.databases.retrieve(sample.DATABASE)
    assert client.data_sources.retrieve(database["data_sources"][0]["id"])["properties"]
    assert client.blocks.children.list(sample.HOME)["results"][0]["type"] == "child_database"


def test_it_writes_pages_and_blocks(client: Any) -> None:
    page = client.pages.create(
        parent={"data_source_id": sample.TASKS},
        properties={"Name": {"title": [{"text": {"content": "Made by the client"}}]}},
        children=[{"paragraph": {"rich_text": [{"text": {"content": "Body"}}]}}],
    )
    updated = client.pages.update(page["id"], properties={"Status": {"status": {"name": "Done"}}})
    assert updated["properties"]["Status"]["status"]["name"] == "Done"
    client.blocks.children.append(page["id"], children=[{"divider": {}}])
    blocks = client.blocks.children.list(page["id"])["results"]
    assert [block["type"] for block in blocks] == ["paragraph", "divider"]
    client.blocks.delete(blocks[1]["id"])
    assert client.pages.update(page["id"], in_trash=True)["in_trash"] is True


def test_it_changes_a_schema(client: Any) -> None:
    client.data_sources.update(sample.TASKS, properties={"Hours": {"name": "Effort"}})
    assert "Effort" in client.data_sources.retrieve(sample.TASKS)["properties"]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_understands_the_errors(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(APIResponseError) as missing:
        client.pages.retrieve(sample.an_id("nothing"))
    assert missing.value.code == "object_not_found"
    assert missing.value.additional_data == {"integration_id": sample.BOT}
    sandbox.set_limits(per_minute=1)
    client.users.me()
    with pytest.raises(APIResponseError) as limited:
        client.users.me()
    assert limited.value.code == "rate_limited"
    assert 0 < int(limited.value.headers["retry-after"]) <= 60
