"""The calls, and what every refusal means; no network."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from integrations.capabilities import CallOutcome, LimitScope, ProblemKind, SourceCall, SourceError
from integrations.connectors.notion.client import API_VERSION, NotionClient
from integrations.connectors.notion.source import NotionTaskSource
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import OutboundClient, OutboundResponse

DATE = "Mon, 02 Mar 2026 10:05:07 GMT"


class FakeHttp:
    """Answers with what it was given, and remembers what it was asked."""

    def __init__(self, status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str], Any]] = []
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        self.answer: OutboundResponse | ExternalServiceError = OutboundResponse(
            service="notion",
            status=status,
            headers={"date": DATE, **(headers or {})},
            body=raw,
            elapsed_seconds=0.1,
        )

    def request(self, method: str, url: str, *, headers: Mapping[str, str], json: Any) -> OutboundResponse:
        self.asked.append((method, url, headers, json))
        if isinstance(self.answer, ExternalServiceError):
            raise self.answer
        return self.answer


class Watcher:
    """Remembers what an observer is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def before(self, call: SourceCall) -> None:
        self.told.append(call)

    def after(self, call: SourceCall, outcome: CallOutcome) -> None:
        self.told.append(outcome)


def client_of(http: FakeHttp, watcher: Watcher | None = None) -> NotionClient:
    return NotionClient(http=cast(OutboundClient, http), token=Secret("ntn_secret"), observer=watcher)


def refusal_of(http: FakeHttp) -> SourceError:
    with pytest.raises(SourceError) as refusal:
        client_of(http).me()
    assert "ntn_secret" not in f"{refusal.value} {refusal.value!r} {refusal.value.detail}"
    return refusal.value


def an_error(status: int, code: str, message: str = "", **extra: Any) -> FakeHttp:
    body = {"object": "error", "status": status, "code": code, "message": message, "request_id": "r1"}
    return FakeHttp(status, {**body, **({"additional_data": extra} if extra else {})})


def test_every_call_carries_the_token_and_the_version() -> None:
    http = FakeHttp(body={"object": "user"})

    client_of(http).me()

    method, url, headers, body = http.asked[0]
    assert (method, url, body) == ("GET", "/v1/users/me", None)
    assert headers == {"authorization": "Bearer ntn_secret", "notion-version": API_VERSION}
    assert API_VERSION == "2026-03-11"


def test_a_query_asks_for_what_it_needs_and_nothing_else() -> None:
    http = FakeHttp(body={"results": []})

    client_of(http).query_data_source("d 1", cursor="c", page_size=50, filter_properties=["title", "a%3Ab"])

    method, url, _, body = http.asked[0]
    assert (method, body) == ("POST", {"page_size": 50, "start_cursor": "c"})
    assert url == (
        "/v1/data_sources/d%201/query?filter_properties%5B%5D=title&filter_properties%5B%5D=a%253Ab"
    )


def test_property_ids_go_into_paths_as_they_came() -> None:
    http = FakeHttp()

    client_of(http).retrieve_page_property("p1", "%3AUPp")

    assert http.asked[0][1] == "/v1/pages/p1/properties/%3AUPp?page_size=100"


def test_the_clock_of_the_server_is_read() -> None:
    assert client_of(FakeHttp()).me().server_time.isoformat() == "2026-03-02T10:05:07+00:00"


def test_escaped_characters_nobody_can_store_are_cleaned() -> None:
    http = FakeHttp(body=b'{"name": "a\\u0000b \\ud83d c"}')

    assert client_of(http).me().json == {"name": "ab \ufffd c"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "validation_error", ProblemKind.INVALID_REQUEST),
        (400, "missing_version", ProblemKind.INVALID_REQUEST),
        (401, "unauthorized", ProblemKind.UNAUTHORISED),
        (403, "restricted_resource", ProblemKind.FORBIDDEN),
        (404, "object_not_found", ProblemKind.NOT_FOUND),
        (406, "not_acceptable", ProblemKind.INVALID_REQUEST),
        (409, "conflict_error", ProblemKind.CONFLICT),
        (429, "rate_limited", ProblemKind.RATE_LIMITED),
        (500, "internal_server_error", ProblemKind.SERVER_ERROR),
        (502, "bad_gateway", ProblemKind.UNAVAILABLE),
        (503, "service_unavailable", ProblemKind.UNAVAILABLE),
        (504, "gateway_timeout", ProblemKind.TIMEOUT),
        (529, "service_overload", ProblemKind.OVERLOADED),
        (599, "?", ProblemKind.SERVER_ERROR),
    ],
)
def test_every_refusal_has_its_meaning_and_a_sentence(status: int, code: str, kind: ProblemKind) -> None:
    error = refusal_of(an_error(status, code, "Said by Notion."))

    assert (error.kind, error.status, error.request_id) == (kind, status, "r1")
    assert str(error).endswith(".")
    assert "Said by Notion." not in str(error)
    assert error.detail == f"{code}: Said by Notion."


def test_a_stale_cursor_is_not_just_any_mistake() -> None:
    error = refusal_of(an_error(400, "validation_error", "The start_cursor provided is invalid: x"))

    assert error.kind is ProblemKind.INVALID_CURSOR


@pytest.mark.parametrize(
    ("reason", "scope"),
    [
        ("public_api_request_rate_limit", LimitScope.CONNECTION),
        ("public_api_space_request_rate_limit", LimitScope.WORKSPACE),
        ("public_api_endpoint_rate_limit", LimitScope.ENDPOINT),
        ("something_new", LimitScope.CONNECTION),
    ],
)
def test_a_limit_says_whose_it_is_and_how_long_to_wait(reason: str, scope: LimitScope) -> None:
    error = refusal_of(an_error(429, "rate_limited", rate_limit_reason=reason, retry_after="7"))

    assert (error.limit_scope, error.retry_after_seconds, error.is_transient) == (scope, 7.0, True)


def test_a_block_is_for_good() -> None:
    error = refusal_of(an_error(429, "rate_limited", rate_limit_reason="public_api_request_blocked"))

    assert (error.kind, error.is_transient) == (ProblemKind.BLOCKED, False)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("0", None), ("soon", None), ("1e9", 3600.0), ("nan", None), ("-3", None)],
)
def test_advice_to_wait_is_read_with_care(header: str, seconds: float | None) -> None:
    http = FakeHttp(529, {"code": "service_overload"}, {"retry-after": header})

    assert refusal_of(http).retry_after_seconds in {seconds, 0.0 if seconds is None else seconds}


def test_a_write_that_was_saved_all_the_same_is_told() -> None:
    error = refusal_of(an_error(503, "service_unavailable", committed_resource_id="p9"))

    assert (error.committed_id, error.is_committed, error.is_ambiguous) == ("p9", True, False)


def test_parts_that_were_saved_are_told_in_order() -> None:
    error = refusal_of(an_error(503, "service_unavailable", committed_child_ids=["b1", "b2"]))

    assert error.committed_child_ids == ("b1", "b2")


def test_advice_not_to_repeat_a_write_means_that_it_was_saved() -> None:
    error = refusal_of(an_error(503, "service_unavailable", retry_guidance="Do not repeat the write."))

    assert (error.committed_id, error.is_committed) == ("", True)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_after_a_failure_there_nobody_knows_whether_a_write_was_done(status: int) -> None:
    error = refusal_of(an_error(status, "?"))

    assert (error.is_ambiguous, error.is_committed) == (True, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 529])
def test_a_refusal_says_for_sure_that_nothing_was_done(status: int) -> None:
    assert not refusal_of(an_error(status, "?")).is_ambiguous


@pytest.mark.parametrize(
    ("reason", "is_ambiguous"),
    [("connect", False), ("dns", False), ("tls", False), ("reset", True), ("timeout", True)],
)
def test_what_never_left_was_not_done(reason: str, is_ambiguous: bool) -> None:
    http = FakeHttp()
    http.answer = ExternalServiceError("!", service="notion", is_transient=True, reason=reason)

    error = refusal_of(http)

    assert (error.is_unsent, error.is_ambiguous) == (not is_ambiguous, is_ambiguous)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"a": '])
def test_a_write_with_an_unreadable_success_was_carried_out(body: bytes) -> None:
    with pytest.raises(SourceError) as failure:
        client_of(FakeHttp(200, body)).update_page("p1", in_trash=True)

    assert (failure.value.is_committed, failure.value.is_ambiguous) == (True, False)


def test_a_full_plan_is_told_in_words_and_not_taken_for_a_missing_capability() -> None:
    error = refusal_of(an_error(403, "restricted_resource", block_limit=1000))

    assert error.kind is ProblemKind.STORAGE_FULL
    assert "free plan" in str(error)


@pytest.mark.parametrize(
    ("write", "asked"),
    [
        (
            lambda client: client.create_page("d1", {"title": {}}, children=[{"paragraph": {}}]),
            ("POST", "/v1/pages"),
        ),
        (lambda client: client.update_page("p1", properties={}), ("PATCH", "/v1/pages/p1")),
        (
            lambda client: client.update_data_source("d1", properties={"x": None}),
            ("PATCH", "/v1/data_sources/d1"),
        ),
        (
            lambda client: client.append_block_children("b1", [{"paragraph": {}}], after="b0"),
            ("PATCH", "/v1/blocks/b1/children"),
        ),
        (lambda client: client.update_block("b1", {"paragraph": {}}), ("PATCH", "/v1/blocks/b1")),
        (lambda client: client.trash_block("b1"), ("DELETE", "/v1/blocks/b1")),
    ],
)
def test_writes_say_that_they_are_not_to_be_repeated(write: Any, asked: tuple[str, str]) -> None:
    http, watcher = FakeHttp(), Watcher()

    write(client_of(http, watcher))

    assert http.asked[0][:2] == asked
    assert watcher.told[0].is_safe_to_repeat is False


def test_a_query_is_safe_to_repeat_though_it_is_a_post() -> None:
    watcher = Watcher()

    client_of(FakeHttp(body={"results": []}), watcher).query_data_source("d1")

    assert (watcher.told[0].method, watcher.told[0].is_safe_to_repeat) == ("POST", True)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[1]", b"\xff\xfe"])
def test_an_answer_that_is_no_json_is_understood_by_its_status(body: bytes) -> None:
    assert refusal_of(FakeHttp(502, body)).kind is ProblemKind.UNAVAILABLE


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"a": '])
def test_a_success_that_cannot_be_read_is_a_passing_failure(body: bytes) -> None:
    error = refusal_of(FakeHttp(200, body))

    assert (error.kind, error.is_transient) == (ProblemKind.MALFORMED_ANSWER, True)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("timeout", ProblemKind.TIMEOUT),
        ("connect", ProblemKind.UNREACHABLE),
        ("reset", ProblemKind.UNREACHABLE),
        ("incomplete", ProblemKind.MALFORMED_ANSWER),
        ("too_large", ProblemKind.INVALID_REQUEST),
        ("refused_address", ProblemKind.INVALID_REQUEST),
        ("brand_new", ProblemKind.UNREACHABLE),
    ],
)
def test_no_answer_at_all_has_a_meaning_too(reason: str, kind: ProblemKind) -> None:
    http = FakeHttp()
    http.answer = ExternalServiceError("!", service="notion", is_transient=True, reason=reason)

    assert refusal_of(http).kind is kind


def test_the_observer_hears_of_every_call_and_its_end() -> None:
    watcher = Watcher()
    client_of(FakeHttp(headers={"x-request-id": "r7"}), watcher).me()
    with pytest.raises(SourceError):
        client_of(an_error(409, "conflict_error"), watcher).list_users()

    first, end, second, failure = watcher.told
    assert (first.operation, end.status, end.error, end.request_id) == ("users.me", 200, None, "r7")
    assert (second.operation, second.is_safe_to_repeat) == ("users.list", True)
    assert (failure.status, failure.error.kind) == (409, ProblemKind.CONFLICT)


def test_an_observer_may_prevent_a_call() -> None:
    class Refuses(Watcher):
        def before(self, call: SourceCall) -> None:
            raise RuntimeError("not now")

    http = FakeHttp()
    with pytest.raises(RuntimeError):
        client_of(http, Refuses()).me()
    assert http.asked == []


@pytest.mark.parametrize(
    "body", [{"results": 7}, {"results": [7]}, {}, {"results": [], "has_more": True, "next_cursor": None}]
)
def test_a_list_without_its_parts_is_no_list(body: dict[str, Any]) -> None:
    source = NotionTaskSource(client_of(FakeHttp(body=body)))

    with pytest.raises(SourceError) as refusal:
        source.people()
    assert refusal.value.kind is ProblemKind.MALFORMED_ANSWER


NAMED = {"object": "error", "code": "internal_server_error", "message": "?"}


@pytest.mark.parametrize(
    ("status", "body", "is_over"),
    [
        (500, NAMED, True),
        (502, {**NAMED, "code": "bad_gateway"}, True),
        (520, b"<html>", False),
        (522, b"", False),
        (524, b"error code: 524", False),
        (502, b"<html>Bad gateway</html>", False),
        (502, {"message": "Internal server error"}, False),
        (500, {"object": "error"}, False),
        (500, {"code": "internal_server_error"}, False),
        (502, {**NAMED, "code": "gateway_timeout"}, False),
        (503, {**NAMED, "code": "service_unavailable"}, False),
        (504, NAMED, False),
        (408, NAMED, False),
    ],
)
def test_only_notion_itself_can_say_that_nothing_is_under_way(status: int, body: Any, is_over: bool) -> None:
    assert refusal_of(FakeHttp(status, body)).is_over is is_over
