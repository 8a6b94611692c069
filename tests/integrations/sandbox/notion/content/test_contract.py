"""The demo's objects against the response schemas Notion itself publishes (read from CONTRACTS_DIR)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from integrations.sandbox.notion.content import DemoWorkspace, build_demo_workspaces

REPOSITORY = Path(__file__).resolve().parents[5]
CONTRACTS = Path(os.environ.get("CONTRACTS_DIR", REPOSITORY.parent / "shared" / "contracts"))
SPEC = CONTRACTS / "notion" / "notion-openapi-developers.json"
SCHEMAS = {
    "user": "userObjectResponse",
    "database": "databaseObjectResponse",
    "data_source": "dataSourceObjectResponse",
    "page": "pageObjectResponse",
    "block": "blockObjectResponse",
}
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="Notion's OpenAPI document is not at CONTRACTS_DIR")


def _relaxed(node: Any) -> Any:
    """Allow unknown keys: the published response schemas close objects they then combine with allOf.

    With unknown keys allowed more than one alternative may match, so `oneOf` is read as `anyOf`; the empty
    object stays closed, or it would match wherever it is one of the alternatives.
    """
    if isinstance(node, dict):
        is_open = node.get("properties") and node.get("additionalProperties") is False
        return {
            "anyOf" if key == "oneOf" else key: _relaxed(value)
            for key, value in node.items()
            if not (is_open and key == "additionalProperties")
        }
    if isinstance(node, list):
        return [_relaxed(item) for item in node]
    return node


def _components() -> Any:
    return _relaxed(json.loads(SPEC.read_text(encoding="utf-8"))["components"])


@pytest.fixture(scope="module")
def validators() -> Mapping[str, Any]:
    components = _components()
    return {
        kind: jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": components}, validate_formats=True
        )
        for kind, name in SCHEMAS.items()
    }


@pytest.fixture(scope="module")
def block_validators() -> dict[str, Any]:
    """Validators of single block types: the union of all of them is slow on fifteen thousand blocks."""
    components = _components()
    found = {}
    for name, schema in components["schemas"].items():
        if name.endswith("BlockObjectResponse"):
            kind = schema["properties"].get("type", {}).get("const", name)
            found[kind] = jsonschema_rs.Draft202012Validator(
                {"$ref": f"#/components/schemas/{name}", "components": components}, validate_formats=True
            )
    return found


@pytest.fixture(scope="module", params=["acme", "globex"])
def workspaces(request: pytest.FixtureRequest) -> list[DemoWorkspace]:
    return build_demo_workspaces(request.param, now=NOW, seed=7)


def test_every_object_is_one_that_notion_could_have_answered(
    workspaces: list[DemoWorkspace], validators: Mapping[str, Any], block_validators: dict[str, Any]
) -> None:
    seen: dict[str, int] = {}
    for workspace in workspaces:
        for thing in workspace.objects[1:]:
            kind = thing["object"]
            seen[kind] = seen.get(kind, 0) + 1
            checker = block_validators[thing["type"]] if kind == "block" else validators[kind]
            problem = next(checker.iter_errors(_as_answered(thing)), None)
            assert problem is None, f"{workspace.key} {kind} {thing['id']}: {problem}"
    assert set(seen) == set(SCHEMAS)


def _as_answered(thing: dict[str, Any]) -> dict[str, Any]:
    """Cut long reference lists as the sandbox does when it answers; files hold them whole."""
    if thing["object"] != "page":
        return thing
    properties = {
        name: {**value, "relation": value["relation"][:25]} if value["type"] == "relation" else value
        for name, value in thing["properties"].items()
    }
    return {**thing, "properties": properties}


def test_the_bots_of_the_header_are_valid_users(
    workspaces: list[DemoWorkspace], validators: Mapping[str, Any]
) -> None:
    for workspace in workspaces:
        header = workspace.objects[0]
        for bot in (header["bot"], *(other["bot"] for other in header["connections"])):
            assert validators["user"].is_valid(bot), bot
