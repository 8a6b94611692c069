"""Whatever is wrong with a request, the answer is a 4xx problem document that says what, and nothing is lost."""

import json
from typing import Any, Final
from uuid import UUID

import jsonschema_rs
import pytest
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.foundation.idempotency import Claim, idempotency_store
from tests.factories.tasks import make_task
from tests.people import token_client

TASKS: Final = "/api/v1/tasks/"
JSON: Final = "application/json"
# RFC 9457 §3.1, and what we add to it (§3.2).
PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "minLength": 1},
        "instance": {"type": "string", "pattern": "^/api/"},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$"},
        "request_id": {"type": "string", "minLength": 8},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {"pointer": {"type": "string", "pattern": "^(/.*)?$"}},
                "oneOf": [{"required": ["pointer"]}, {"required": ["parameter"]}],
            },
        },
    },
}
_is_problem = jsonschema_rs.validator_for(PROBLEM, validate_formats=True)


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem of an answer, which has to be one to the letter."""
    assert answer.status_code == status, answer.content[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    _is_problem.validate(document)
    assert document["status"] == status
    assert document["request_id"] == answer.headers["X-Request-ID"]
    return document


def places(document: dict[str, Any]) -> set[str]:
    return {entry.get("pointer", entry.get("parameter")) for entry in document["errors"]}


def post(api: APIClient, body: bytes | str, content_type: str = JSON) -> Any:
    return api.generic("POST", TASKS, body, content_type=content_type)  # type: ignore[arg-type]  # bytes too


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"title": ', id="cut off"),
        pytest.param(b"title=Salt", id="a form"),
        pytest.param(b'{"title": "Salt",}', id="a comma too many"),
        pytest.param(b"{'title': 'Salt'}", id="single quotes"),
        pytest.param(b'{"title": "Salt"} {}', id="two documents"),
        pytest.param(b'{"title": "\xff\xfe"}', id="not UTF-8"),
        pytest.param('{"title": "Salt"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"title": "Salt"}', id="byte order mark"),
        pytest.param(b'{"title": "Salt", "estimate_hours": NaN}', id="NaN"),
        pytest.param(b'{"title": "Salt", "estimate_hours": -Infinity}', id="Infinity"),
        pytest.param(b'{"title": "Salt", "estimate_hours": ' + b"9" * 5000 + b"}", id="5,000 digits"),
        pytest.param(b'{"title": "Salt", "title": "Pepper"}', id="a key twice"),
        pytest.param(b'{"title": "a\\u0000b"}', id="NUL"),
        pytest.param(b'{"a\\u0000b": 1, "title": "Salt"}', id="NUL in a key"),
        pytest.param(b'{"title": "\\ud83d"}', id="half an emoji"),
        pytest.param(b'{"title": "Salt", "tags": ' + b"[" * 70 + b"]" * 70 + b"}", id="70 deep"),
        pytest.param(b"[" * 500_000, id="half a million deep"),
    ],
)
def test_what_is_no_strict_json_is_malformed(api: APIClient, body: bytes) -> None:
    assert problem(post(api, body), 400)["code"] in {"malformed_request", "parse_error"}
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_only_json_is_read(api: APIClient, content_type: str) -> None:
    assert problem(post(api, b'{"title": "Salt"}', content_type), 415)["code"] == "unsupported_media_type"


def test_a_body_over_the_limit_is_too_large(api: APIClient) -> None:
    body = json.dumps({"title": "Salt", "description": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
    assert problem(post(api, body), 413)["code"] == "body_too_large"
    # Refused by its announced length, before anything is looked up.
    for key in ("T-1", make_task().key):
        assert problem(api.generic("PATCH", f"{TASKS}{key}/", body, content_type=JSON), 413)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"title"', b"5", b"true", b"{}"])
def test_a_body_that_is_no_task_lacks_something(api: APIClient, body: bytes) -> None:
    assert problem(post(api, body), 422)["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", ["Salt"]),
        ("title", " \n "),
        ("title", "x" * 501),
        ("description", None),
        ("description", "x" * 200_001),
        ("status", True),
        ("status", "finished"),
        ("priority", 4),
        ("department_id", 7),
        ("department_id", "019ab2c40d0070008000000000000001"),
        ("department_id", str(UUID(int=7))),
        ("parent_id", "T-1"),
        ("assignee_ids", str(UUID(int=7))),
        ("assignee_ids", [str(UUID(int=7))]),
        ("assignee_ids", [str(UUID(int=7))] * 51),
        ("start_on", 20270101),
        ("start_on", "20270101"),
        ("due_on", "2027-02-30"),
        ("due_on", "10000-01-01"),
        ("due_on", "2027-01-01T00:00:00Z"),
        ("due_at", "2027-01-01"),
        ("due_at", "2027-01-01T09:00:00"),
        ("due_at", 1_800_000_000),
        ("estimate_hours", True),
        ("estimate_hours", -1),
        ("estimate_hours", 1_000_000),
        ("estimate_hours", 10**300),
        ("estimate_hours", "1e3"),
        ("estimate_hours", []),
        ("tags", "ice"),
        ("tags", {"ice": 1}),
        ("tags", [str(n) for n in range(51)]),
        ("key", "OPS-1"),
        ("id", str(UUID(int=7))),
    ],
)
def test_a_wrong_value_is_named(api: APIClient, field: str, value: Any) -> None:
    document = problem(api.post(TASKS, {"title": "Salt"} | {field: value}), 422)
    assert places(document) == {f"/{field}"}
    assert not Task.objects.exists()


def test_a_wrong_value_in_a_list_is_named_by_its_place(api: APIClient) -> None:
    document = problem(api.post(TASKS, {"title": "Salt", "tags": ["ice", 5, "x" * 101]}), 422)
    assert "/tags/1" in places(document)


def test_everything_wrong_is_said_at_once(api: APIClient) -> None:
    document = problem(api.post(TASKS, {"colour": "red", "status": "x", "due_on": 5}), 422)
    assert places(document) == {"/colour", "/status", "/due_on", "/title"}


@pytest.mark.parametrize("value", [0.005, 1, 2.5, "2.50", 999_999.99])
def test_hours_are_numbers_or_texts(api: APIClient, value: Any) -> None:
    made = api.post(TASKS, {"title": "Salt", "estimate_hours": value})
    assert made.status_code == 201, made.json()
    assert float(made.json()["estimate_hours"]) == pytest.approx(float(value), abs=0.005)


# --- addresses

_PATHS: Final = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
READABLE: Final = sorted(path for path, verbs in _PATHS.items() if "get" in verbs)
# On a company's host they do not exist (tests/tenants/api/test_operators.py asks them on the platform's).
OPERATORS: Final = {
    "/api/v1/companies/", "/api/v1/operations/", "/api/v1/evidence/", "/api/v1/deletion-certificates/",
    "/api/v1/operator-grants/",
}  # fmt: skip
PAGED: Final = sorted(
    path for path in READABLE if "{" not in path and path not in {"/api/v1/me/", *OPERATORS}
)


def somewhere(path: str) -> str:
    somebody = path.replace("{id}", str(UUID(int=7))).replace("{connection_id}", str(UUID(int=7)))
    somebody = somebody.replace("{user_id}", str(UUID(int=7))).replace("{kind}", "invitation")
    return somebody.replace("{key}", "T-1").replace("{version}", "1")


@pytest.mark.parametrize("path", READABLE)
def test_a_parameter_nobody_knows_is_refused_everywhere(api: APIClient, path: str) -> None:
    for name in ("colour", "format"):
        assert places(problem(api.get(f"{somewhere(path)}?{name}=json"), 422)) == {name}


@pytest.mark.parametrize("path", PAGED)
def test_a_page_that_cannot_be_is_refused_everywhere(api: APIClient, path: str) -> None:
    for query in (
        "cursor=x", "cursor=", "cursor=W10", "cursor=bnVsbA", "cursor=%F0%9F%A7%82", "cursor=" + "A" * 2000,
        "page_size=0", "page_size=101", "page_size=-1", "page_size=1.5", "page_size=%D9%A1", "page_size=many",
        "page_size=99999999999999999999", "page_size=1&page_size=2", "sort=colour", "sort=", "sort=--id",
    ):  # fmt: skip
        assert places(problem(api.get(f"{path}?{query}"), 422)) == {query.partition("=")[0]}


def test_a_cursor_belongs_to_its_list_and_order(api: APIClient) -> None:
    make_task(), make_task()
    following = api.get(f"{TASKS}?page_size=1&sort=title").json()["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]
    assert api.get(TASKS, {"cursor": cursor, "sort": "title"}).status_code == 200
    for address in (f"{TASKS}?sort=-title&", f"{TASKS}?", "/api/v1/projects/?"):
        assert places(problem(api.get(f"{address}cursor={cursor}"), 422)) == {"cursor"}


@pytest.mark.parametrize("path", ["/api/v1/tasks/a%00b/", "/api/v1/tasks/?q=a%00b"])
def test_nul_has_no_place_in_an_address(api: APIClient, path: str) -> None:
    assert problem(api.get(path), 400)["code"] == "malformed_request"


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing/", "/api/v1/tasks/%F0%9F%A7%82/", "/api/v1/projects/7/", "/api/v2/tasks/"]
)
def test_where_nothing_is_nothing_is_found(api: APIClient, path: str) -> None:
    assert problem(api.get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize("method", ["put", "delete", "trace"])
def test_a_verb_that_is_not_offered_is_answered_with_those_that_are(api: APIClient, method: str) -> None:
    answer = getattr(api, method)(f"{TASKS}{make_task().key}/?colour=red")
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert {"GET", "PATCH"} <= set(answer.headers["Allow"].split(", "))


def test_only_json_is_answered(api: APIClient) -> None:
    assert problem(api.get(TASKS, headers={"Accept": "text/html"}), 406)["code"] == "not_acceptable"


# --- people


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Bearer nts_live_ünknown", "Basic eDp5"])
def test_who_is_not_known_is_asked_to_sign_in(stranger: Client, value: str) -> None:
    answer = stranger.get(TASKS, headers={"Authorization": value} if value else {})
    assert problem(answer, 401)["code"] in {"not_authenticated", "authentication_failed"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_may_not_is_told_so(host: str, owner: UserActor, member: UserActor) -> None:
    assert problem(token_client(host, member).post("/api/v1/projects/", {"name": "Salt"}), 403)
    narrow = token_client(host, owner, scopes=frozenset({"integrations.view"}))
    assert problem(narrow.get(TASKS), 403)["code"] in {"forbidden", "permission_denied"}


# --- keys against repeating


def with_key(api: APIClient, key: str, body: Any, path: str = TASKS) -> Any:
    return api.post(path, body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("key", ["", " ", "two words", "k" * 201, "schlüssel", "tab\there"])
def test_a_key_that_is_none_is_refused(api: APIClient, key: str) -> None:
    assert problem(with_key(api, key, {"title": "Salt"}), 422)["code"] == "invalid_input.idempotency_key"
    assert not Task.objects.exists()


def test_a_key_is_good_for_one_request(api: APIClient) -> None:
    first, again = (with_key(api, "order-1", {"title": "Salt"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = problem(with_key(api, "order-1", {"title": "Pepper"}), 422)
    assert other["code"] == "invalid_input.idempotency_key_reused"
    assert Task.objects.count() == 1


def test_a_key_whose_request_is_at_work_is_in_the_way(api: APIClient, owner: UserActor) -> None:
    claims: list[Claim] = []
    store = idempotency_store()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "release", lambda self, claim: claims.append(claim))
        problem(with_key(api, "order-2", {}), 422)
    assert [claim.actor_id for claim in claims] == [str(owner.user_id)]
    # The refused request has undone its own claim; another request makes the same one and is still at work.
    assert store.claim(claims[0]) is None
    assert problem(with_key(api, "order-2", {}), 409)["code"] == "conflict.idempotency_in_progress"
    idempotency_store().release(claims[0])
    assert with_key(api, "order-2", {"title": "Salt"}).status_code == 201


# --- us


def test_a_crash_of_ours_tells_nothing_of_the_inside(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(**_: Any) -> None:
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setattr("tasks.api.tasks.filtered_tasks", crash)
    api.raise_request_exception = False
    document = problem(api.get(TASKS), 500)
    assert document["code"] == "server_error"
    assert "hunter2" not in json.dumps(document)
