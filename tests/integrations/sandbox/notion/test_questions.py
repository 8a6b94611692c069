"""Each open question, with every answer the sandbox knows."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from integrations.sandbox.notion.questions import SETTINGS, Questions
from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import ADA, Json, task_id
from tests.integrations.sandbox.notion.test_control import control, look

PAGE = f"/v1/pages/{task_id(1)}"


def both(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("answer", SETTINGS[name])


@pytest.fixture
def inbox(sandbox: Sandbox) -> WebhookInbox:
    made = WebhookInbox()
    sandbox.webhooks.sender = made
    subscription = sandbox.webhooks.subscribe("Test Workspace", "http://a.example/")
    sandbox.webhooks.confirm(subscription.id, subscription.verification_token)
    made.clear()
    return made


def test_the_first_setting_of_each_is_what_holds_unasked() -> None:
    assert Questions().as_json() == {name: answers[0] for name, answers in SETTINGS.items()}


def test_answers_are_given_when_the_sandbox_is_made_or_over_http(notion: Caller, sandbox: Sandbox) -> None:
    made = Sandbox(questions={"unknown_property": "ignored"})
    assert made.world.questions.unknown_property == "ignored"
    control(notion, "questions", {"edit_minute": "nearest", "webhook_disable_after": 3})
    assert look(notion, "questions")["webhook_disable_after"] == 3
    assert sandbox.world.questions.edit_minute == "nearest"


@pytest.mark.parametrize(
    "wrong",
    [{"weather": "fine"}, {"edit_minute": "up"}, {"webhook_timeout_seconds": None}, {"token_lifetime_seconds": 0},
     {"webhook_disable_after": True}],
)  # fmt: skip
def test_an_impossible_answer_is_refused(sandbox: Sandbox, wrong: Json) -> None:
    with pytest.raises(ValueError, match=r"."):
        sandbox.set_questions(**wrong)


@both("query_trash")
def test_which_flag_a_query_knows(notion: Caller, sandbox: Sandbox, answer: str) -> None:
    sandbox.set_questions(query_trash=answer)
    sandbox.trash(task_id(1), ADA)
    notion.version = (
        "2025-09-03"  # requests are held against the document of the newer one, which knows one flag
    )
    statuses = {flag: notion.query(**{flag: True}).status for flag in ("in_trash", "is_archived")}
    assert statuses == {flag: 200 if answer in ("either", flag) else 400 for flag in statuses}
    assert task_id(1) not in notion.query().ids


@both("status_error")
def test_how_an_unknown_status_is_refused(notion: Caller, sandbox: Sandbox, answer: str) -> None:
    sandbox.set_questions(status_error=answer)
    refused = notion.patch(PAGE, {"properties": {"Status": {"status": {"name": "Nearly"}}}})
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert ('"Nearly" does not exist' in refused.body["message"]) == (answer == "named")
    assert ("Status is expected" in refused.body["message"]) == (answer == "plain")


@both("unknown_property")
def test_what_becomes_of_a_column_that_is_not_there(notion: Caller, sandbox: Sandbox, answer: str) -> None:
    sandbox.set_questions(unknown_property=answer)
    reply = notion.patch(PAGE, {"properties": {"Nothing": {"number": 1}, "Hours": {"number": 6}}})
    assert reply.status == (200 if answer == "ignored" else 400)
    assert notion.get(PAGE).body["properties"]["Hours"]["number"] == (6 if answer == "ignored" else None)


@both("title_event")
def test_what_a_new_title_is_called(sandbox: Sandbox, inbox: WebhookInbox, answer: str) -> None:
    sandbox.set_questions(title_event=answer)
    title = {"Name": {"title": [{"text": {"content": "New"}}]}}
    sandbox.edit(task_id(1), ADA, {"properties": title})
    sandbox.webhooks.deliver_now()
    assert inbox.types == [f"page.{answer}"]


@both("edit_minute")
def test_which_minute_an_edit_has(notion: Caller, sandbox: Sandbox, answer: str) -> None:
    sandbox.set_questions(edit_minute=answer)
    page = notion.patch(PAGE, {"properties": {"Hours": {"number": 1}}}).body
    minute = "12:00" if answer == "cut" else "12:01"
    assert page["last_edited_time"] == f"2026-07-10T{minute}:00.000Z"


@both("two_way_relations")
def test_what_the_other_side_of_a_relation_sees(
    notion: Caller, sandbox: Sandbox, inbox: WebhookInbox, answer: str
) -> None:
    relation = {"data_source_id": sample.TASKS, "type": "dual_property", "dual_property": {}}
    schema = {"properties": {"Partner": {"relation": relation}}}
    notion.patch(f"/v1/data_sources/{sample.TASKS}", schema)
    columns = notion.get(f"/v1/data_sources/{sample.TASKS}").body["properties"]
    synced = columns["Partner"]["relation"]["dual_property"]["synced_property_id"]
    back = next(name for name, column in columns.items() if column["id"] == synced)
    sandbox.webhooks.deliver_now()
    inbox.clear()
    sandbox.set_questions(two_way_relations=answer)
    notion.patch(PAGE, {"properties": {"Partner": {"relation": [{"id": task_id(2)}]}}})
    other = notion.get(f"/v1/pages/{task_id(2)}").body
    sees = [] if answer == "one_side" else [{"id": task_id(1)}]
    assert other["properties"][back]["relation"] == sees
    assert other["last_edited_time"].startswith("2026-07-10T12:00" if answer == "edited" else "2026-07-01")
    sandbox.webhooks.deliver_now()
    told = {body["entity"]["id"] for body in inbox.bodies}
    assert told == ({task_id(1), task_id(2)} if answer == "edited" else {task_id(1)})
    notion.patch(PAGE, {"properties": {"Partner": {"relation": []}}})
    assert notion.get(f"/v1/pages/{task_id(2)}").body["properties"][back]["relation"] == []


@pytest.mark.parametrize(("answer", "status"), [(10.0, 200), (0.1, 0)])
def test_how_long_an_answer_to_a_webhook_may_take(sandbox: Sandbox, answer: float, status: int) -> None:
    sandbox.set_questions(webhook_timeout_seconds=answer)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def slow() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                time.sleep(0.3)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=slow, daemon=True)
        thread.start()
        made = sandbox.webhooks.subscribe("Test Workspace", f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert made.handshake_status == status


@both("webhook_disable_after")
def test_whether_an_address_that_never_answers_is_given_up(
    sandbox: Sandbox, inbox: WebhookInbox, answer: int | None
) -> None:
    sandbox.set_questions(webhook_disable_after=answer)
    inbox.answers = [500] * 10
    for number in range(1, 6):
        sandbox.edit(task_id(number), ADA, {"properties": {"Hours": {"number": 1}}})
    sandbox.webhooks.deliver_now()
    (subscription,) = sandbox.webhooks.subscriptions()
    assert subscription.state == ("active" if answer is None else "paused")
    assert len(sandbox.webhooks.deliver_now()) == (5 if answer is None else 0)
    sandbox.webhooks.pause(subscription.id, paused=False)
    assert len(sandbox.webhooks.deliver_now()) == 5


@both("cursor_lifetime_seconds")
def test_how_long_a_cursor_is_good(notion: Caller, sandbox: Sandbox, answer: float | None) -> None:
    sandbox.set_questions(cursor_lifetime_seconds=answer)
    cursor = notion.query(page_size=2).body["next_cursor"]
    sandbox.clock.advance(59)
    assert notion.query(page_size=2, start_cursor=cursor).status == 200
    sandbox.clock.advance(1)
    assert notion.query(page_size=2, start_cursor=cursor).status == (200 if answer is None else 400)


@both("token_lifetime_seconds")
def test_how_long_a_public_token_is_good(notion: Caller, sandbox: Sandbox, answer: float | None) -> None:
    sandbox.set_questions(token_lifetime_seconds=answer)
    client = sandbox.oauth.register("c", "s")
    location = sandbox.oauth.allow("c", "Test Workspace", ADA, redirect_uri="http://a.example/")
    connection = sandbox.oauth.exchange(client, location.partition("code=")[2], None)
    assert connection is not None
    public = Caller(notion.base_url, connection.tokens[0])
    assert public.get("/v1/users/me").status == 200
    sandbox.clock.advance(3600)
    assert public.get("/v1/users/me").status == (200 if answer is None else 401)
    assert notion.get("/v1/users/me").status == 200  # the token of an internal connection
    assert connection.refresh_token is not None
    assert sandbox.oauth.refresh(client, connection.refresh_token) is connection
    assert Caller(notion.base_url, connection.tokens[0]).get("/v1/users/me").status == 200
