"""Tokens, grants, versions, paths and bodies: who may ask, and how."""

from __future__ import annotations

import json

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

PAGE = f"/v1/pages/{sample.task_id(1)}"


@pytest.fixture
def other(sandbox: Sandbox, notion: Caller) -> Caller:
    """A caller from a second workspace, which has a page of its own."""
    workspace_id, bot_id = sample.an_id("other workspace"), sample.an_id("other bot")
    line = sample.workspace_line(
        id=workspace_id,
        name="Other",
        tokens=[sample.OTHER_TOKEN],
        bot=sample.bot(bot_id, workspace_id, "Other Sync"),
    )
    sandbox.add_workspace(line, [sample.home_page() | {"id": sample.an_id("other home")}])
    return Caller(notion.base_url, sample.OTHER_TOKEN)


def test_without_a_valid_token_there_is_a_401(notion: Caller) -> None:
    notion.token = "ntn_wrong"
    reply = notion.get("/v1/users/me")
    assert (reply.status, reply.body["code"], reply.body["message"]) == (
        401,
        "unauthorized",
        "API token is invalid.",
    )
    assert reply.body["request_id"] == reply.headers["x-notion-request-id"]


def test_a_revoked_token_stops_working_and_can_be_restored(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.revoke(sample.TOKEN)
    assert notion.get("/v1/users/me").status == 401
    sandbox.revoke(sample.TOKEN, revoked=False)
    assert notion.get("/v1/users/me").status == 200


def test_the_version_header_is_required(notion: Caller) -> None:
    notion.version = None
    reply = notion.get("/v1/users/me")
    assert (reply.status, reply.body["code"]) == (400, "missing_version")


def test_a_version_the_sandbox_does_not_speak_is_refused(notion: Caller) -> None:
    notion.version = "2022-06-28"
    reply = notion.get("/v1/users/me")
    assert (reply.status, reply.body["code"]) == (400, "validation_error")


def test_a_workspace_does_not_see_another(notion: Caller, other: Caller) -> None:
    assert other.get("/v1/users/me").body["id"] == sample.an_id("other bot")
    assert other.get(PAGE).status == 404
    assert [entry["id"] for entry in other.post("/v1/search").body["results"]] == [sample.an_id("other home")]
    assert notion.get(f"/v1/pages/{sample.an_id('other home')}").status == 404


def test_missing_and_unshared_answer_alike(notion: Caller, sandbox: Sandbox) -> None:
    missing = notion.get(f"/v1/pages/{sample.an_id('nothing')}")
    sandbox.unshare(sample.task_id(1))
    hidden = notion.get(PAGE)
    for reply, object_id in ((missing, sample.an_id("nothing")), (hidden, sample.task_id(1))):
        assert (reply.status, reply.body["code"]) == (404, "object_not_found")
        assert reply.body["message"] == (
            f"Could not find page with ID: {object_id}. Make sure the relevant pages and databases "
            'are shared with your integration "Task Sync".'
        )
        assert reply.body["additional_data"] == {"integration_id": sample.BOT}


def test_what_is_below_an_unshared_object_is_hidden_too(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.unshare(sample.DATABASE)
    assert notion.get(f"/v1/databases/{sample.DATABASE}").status == 404
    assert notion.query().status == 404
    assert notion.get(PAGE).status == 404
    assert notion.get(f"/v1/blocks/{sample.task_id(1)}/children").status == 404
    assert [entry["id"] for entry in notion.post("/v1/search").body["results"]] == [sample.HOME]
    sandbox.share(sample.DATABASE)
    assert notion.get(PAGE).status == 200


def test_an_unshared_row_vanishes_from_queries(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.unshare(sample.task_id(2))
    assert set(notion.query().ids) == {sample.task_id(number) for number in (1, 3, 4, 5)}


def test_a_connection_may_see_only_what_was_named(sandbox: Sandbox, notion: Caller) -> None:
    line = sample.workspace_line(
        id=sample.an_id("narrow"), name="Narrow", tokens=["ntn_narrow"], shared=[sample.TASKS]
    )
    sandbox.add_workspace(line, [*sample.frame_objects(), *sample.tasks(2)])
    narrow = Caller(notion.base_url, "ntn_narrow")
    assert len(narrow.query().ids) == 2
    assert narrow.get(f"/v1/databases/{sample.DATABASE}").status == 404
    assert narrow.get(f"/v1/pages/{sample.HOME}").status == 404


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/pages/abc", "page_id", "abc"),
        ("/v1/blocks/abc/children", "block_id", "abc"),
        ("/v1/data_sources/abc", "data_source_id", "abc"),
        ("/v1/databases/abc", "database_id", "abc"),
        ("/v1/users/abc", "user_id", "abc"),
    ],
)
def test_an_id_that_is_no_uuid_is_refused(notion: Caller, path: str, name: str, value: str) -> None:
    reply = notion.get(path)
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    assert reply.body["message"] == (
        f'path failed validation: path.{name} should be a valid uuid, instead was `"{value}"`.'
    )


def test_ids_work_without_dashes_and_in_capitals(notion: Caller) -> None:
    plain = sample.task_id(1).replace("-", "").upper()
    assert notion.get(f"/v1/pages/{plain}").body["id"] == sample.task_id(1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/unicorns"), ("PUT", PAGE), ("GET", "/v2/users"), ("GET", "/"), ("DELETE", PAGE)],
)
def test_an_unknown_address_is_an_invalid_request_url(notion: Caller, method: str, path: str) -> None:
    reply = notion(method, path)
    assert (reply.status, reply.body["code"]) == (400, "invalid_request_url")


@pytest.mark.parametrize(
    "raw",
    [b"{", b"{'a': 1}", b"\xff\xfe", b'{"query": NaN}', b'{"query": "\\ud800"}', b"[" * 100_000],
    ids=["cut", "quotes", "bytes", "nan", "half surrogate", "deep"],
)
def test_what_is_not_json_is_refused(notion: Caller, raw: bytes) -> None:
    reply = notion("POST", "/v1/search", raw)
    assert (reply.status, reply.body["code"]) == (400, "invalid_json")


def test_a_body_that_is_a_list_is_refused(notion: Caller) -> None:
    reply = notion.post("/v1/search", [1])
    assert (reply.status, reply.body["code"]) == (400, "validation_error")


def test_odd_characters_survive_the_round_trip(notion: Caller) -> None:
    odd = "Ünïcödé 😀 ‮ \u0000 \u2028 末 ﷽"
    page = notion.patch(PAGE, {"properties": {"Name": {"title": [{"text": {"content": odd}}]}}}).body
    assert page["properties"]["Name"]["title"][0]["plain_text"] == odd
    assert json.dumps(page)


def test_users_are_listed_and_read(notion: Caller) -> None:
    listed = notion.get("/v1/users").body
    assert {user["id"] for user in listed["results"]} == {sample.ADA, sample.BEN, sample.BOT}
    assert notion.get(f"/v1/users/{sample.BEN}").body["name"] == "Ben Sample"
    assert notion.get(f"/v1/users/{sample.an_id('nobody')}").status == 404
    paged = notion.get("/v1/users?page_size=2").body
    rest = notion.get(f"/v1/users?page_size=2&start_cursor={paged['next_cursor']}").body
    assert len(paged["results"] + rest["results"]) == 3
    assert notion.get("/v1/users?page_size=many").status == 400


def test_search_finds_titles(notion: Caller, sandbox: Sandbox) -> None:
    found = notion.post("/v1/search", {"query": "task 3"})
    assert found.ids == [sample.task_id(3)]
    sources = notion.post("/v1/search", {"filter": {"property": "object", "value": "data_source"}})
    assert sources.ids == [sample.TASKS]
    wrong = notion.post("/v1/search", {"filter": {"property": "object", "value": "database"}})
    assert wrong.status == 400
    latest = notion.post("/v1/search", {"sort": {"timestamp": "last_edited_time", "direction": "ascending"}})
    assert latest.ids[:2] == [sample.task_id(1), sample.task_id(2)]


def test_search_may_lag_behind(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(search_lag_seconds=30)
    parent = {"data_source_id": sample.TASKS}
    title = {"title": [{"text": {"content": "Brand new"}}]}
    notion.post("/v1/pages", {"parent": parent, "properties": {"Name": title}})
    assert notion.post("/v1/search", {"query": "brand new"}).ids == []
    sandbox.clock.advance(31)
    assert len(notion.post("/v1/search", {"query": "brand new"}).ids) == 1
