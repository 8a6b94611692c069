"""The description at `/api/v1/schema/` is valid and whole, and the page that shows it works in a browser."""

from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from playwright.sync_api import Page, expect
from rest_framework.test import APIClient

from tests.journeys.conftest import Watched

VERBS: Final = ("get", "post", "put", "patch", "delete")
MAIN: Final = {
    "tasks_list", "tasks_create", "tasks_retrieve", "tasks_partial_update", "projects_list", "projects_create",
    "connections_list", "connections_create", "collections_mapping_update", "sync_runs_list",
    "sync_runs_create", "sync_runs_retrieve", "me_retrieve", "me_update",
}  # fmt: skip


def description() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in description()["paths"].items():
        for verb in VERBS:
            if verb in verbs:
                yield path, verb, verbs[verb]


OPERATIONS: Final = [pytest.param(*row, id=f"{row[1].upper()} {row[0]}") for row in operations()]


def test_the_description_is_valid_and_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made = description()
    said = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert said == []
    assert made["openapi"].startswith("3.")
    validate_schema(made)  # type: ignore[no-untyped-call]


def test_what_is_served_is_what_was_checked(api: APIClient) -> None:
    answer = api.get("/api/v1/schema/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/vnd.oai.openapi")
    served = yaml.safe_load(answer.content)
    assert served["paths"].keys() == description()["paths"].keys()
    as_json = api.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert as_json.json()["components"].keys() == served["components"].keys()


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_an_operation_says_what_it_is(path: str, verb: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["summary"]) < 90
    assert not operation["summary"].endswith(".")
    assert operation["description"].endswith(".")
    known = {tag["name"] for tag in description()["tags"]}
    assert operation["tags"]
    assert set(operation["tags"]) <= known
    # Who signs up has no token of a company yet.
    wanted = {
        "signups_create": None,
        "signups_verify": None,
        "signups_api_token": "signupToken",
        "tenants_create": "signupToken",
    }
    scheme = wanted.get(operation["operationId"], "apiToken")
    assert ({scheme: []} in operation["security"]) if scheme else ("security" not in operation)


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_an_operation_says_how_it_fails(path: str, verb: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert {"400", "401", "403", "406", "422"} <= responses.keys()
    assert ("404" in responses) or "{" not in path
    assert {"413", "415"} <= responses.keys() or verb in {"get", "delete"}
    refusals = [response for status, response in responses.items() if status >= "400"]
    assert all(response["$ref"].startswith("#/components/responses/") for response in refusals)
    assert any(status.startswith("2") for status in responses)


def test_every_refusal_is_the_one_problem() -> None:
    for response in description()["components"]["responses"].values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }


def test_the_main_operations_show_examples_that_fit() -> None:
    made = description()
    shown = set()
    for _, _, operation in operations():
        holders = [operation.get("requestBody", {}), *operation["responses"].values()]
        contents = [content for holder in holders for content in holder.get("content", {}).values()]
        for content in contents:
            schema = {**_in_terms_of_json_schema(content["schema"]), "components": _plain(made["components"])}
            for example in content.get("examples", {}).values():
                jsonschema_rs.validator_for(schema, validate_formats=True).validate(example["value"])
                shown.add(operation["operationId"])
    assert shown >= MAIN


def _plain(value: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type of its own."""
    if isinstance(value, dict):
        return _in_terms_of_json_schema({name: _plain(inner) for name, inner in value.items()})
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _in_terms_of_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("nullable") is not True:
        return schema
    return {"anyOf": [{"type": "null"}, {key: inner for key, inner in schema.items() if key != "nullable"}]}


@pytest.mark.browser
def test_the_page_shows_every_operation(visitor: Page, watched: Watched) -> None:
    visitor.goto("/api/v1/docs/")
    rows = visitor.locator(".opblock")
    expect(rows.first).to_be_visible()
    # Of a long page only what is near the window is drawn.
    shown: set[str] = set()
    for _ in range(200):
        shown |= set(rows.evaluate_all("found => found.map(each => each.id)"))
        if len(shown) >= len(OPERATIONS):
            break
        visitor.mouse.wheel(0, 600)
        visitor.wait_for_timeout(50)
    assert len(shown) == len(OPERATIONS)
    visitor.evaluate("window.scrollTo(0, 0)")
    row = visitor.locator("#operations-tasks-tasks_create")
    expect(row).to_contain_text("Make a task")
    row.locator(".opblock-summary-control").click()
    expect(row).to_contain_text("Idempotency-Key")
    expect(row).to_contain_text("Order new badges")
    expect(row.locator(".responses-table").first).to_contain_text("413")
    visitor.get_by_role("button", name="Authorize").first.click()
    expect(visitor.locator(".modal-ux")).to_contain_text("apiToken")
