"""Notion's own description of its API, to hold the sandbox against.

The files are not part of this repository: `CONTRACTS_DIR` says where they are, by default
`../shared/contracts` next to the checkout. Without them the checks are left out.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs

REPOSITORY = Path(__file__).resolve().parents[4]
DIRECTORY = Path(os.environ.get("CONTRACTS_DIR") or REPOSITORY / ".." / "shared" / "contracts")
OFFICIAL = DIRECTORY / "notion" / "notion-openapi-developers.json"
CLIENT_TYPES = DIRECTORY / "notion" / "sdk-5.26.0.schema.json"

PARTIAL = tuple(f"partial{name}ObjectResponse" for name in ("Page", "DataSource", "Database", "Block"))

UNDESCRIBED = ("verification", "place", "button")
NEWER_BLOCKS = ("heading_4",)  # the client's types know them, the older document does not

is_available = OFFICIAL.exists() and CLIENT_TYPES.exists()
why_not = f"Notion's own descriptions are not in {DIRECTORY / 'notion'}; set CONTRACTS_DIR"


@functools.cache
def _document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(OFFICIAL.read_text())
    return loaded


@functools.cache
def _strict_document() -> Any:
    return _any_of(_document())


@functools.cache
def _open_document() -> Any:
    return _opened(_document())


def _opened(node: Any) -> Any:
    """The same schema without `additionalProperties: false` and without partial objects.

    The document closes every part of an `allOf`, so that no real answer could ever be valid. Once
    opened, the partial page (an id and nothing else) would accept anything, so it goes, and `oneOf`,
    whose branches overlap then, becomes `anyOf`.
    """
    if isinstance(node, list):
        return [_opened(value) for value in node if not _is_partial(value)]
    if not isinstance(node, dict):
        return node
    opened = {
        key: _opened(value)
        for key, value in node.items()
        if not (key == "additionalProperties" and value is False)
    }
    if "oneOf" in opened and "anyOf" not in opened:
        opened["anyOf"] = opened.pop("oneOf")
    return opened


def _any_of(node: Any) -> Any:
    """The same schema with `anyOf` for `oneOf`.

    The document says an option has one of a name (and maybe an id) or an id (and maybe a name): with both,
    as Notion itself documents renaming, it would match twice and be refused.
    """
    if isinstance(node, list):
        return [_any_of(value) for value in node]
    if not isinstance(node, dict):
        return node
    return {"anyOf" if key == "oneOf" else key: _any_of(value) for key, value in node.items()}


def _is_partial(node: Any) -> bool:
    return isinstance(node, dict) and str(node.get("$ref", "")).rpartition("/")[2] in PARTIAL


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


@functools.cache
def _request_validator(method: str, template: str) -> jsonschema_rs.Validator | None:
    operation = _document()["paths"].get(template, {}).get(method.lower(), {})
    body = operation.get("requestBody")
    if body is None or "application/json" not in body["content"]:
        return None
    schema = body["content"]["application/json"]["schema"]
    return _validator(_strict_document(), _any_of(schema))


@functools.cache
def _response_validator(method: str, template: str) -> jsonschema_rs.Validator | None:
    operation = _open_document()["paths"].get(template, {}).get(method.lower(), {})
    answer = operation.get("responses", {}).get("200")
    return _validator(_open_document(), answer["content"]["application/json"]["schema"]) if answer else None


def assert_request_conforms(endpoint: str, body: Any) -> None:
    """`endpoint` as in the ledger: `POST /v1/pages`. Strict: no key the document does not know."""
    method, _, template = endpoint.partition(" ")
    validator = _request_validator(method, template)
    if validator is not None:
        _check(validator, body, f"request of {endpoint}")


def assert_response_conforms(endpoint: str, body: Any) -> None:
    """Relaxed: more keys than described are fine, missing or mistyped ones are not."""
    method, _, template = endpoint.partition(" ")
    validator = _response_validator(method, template)
    if validator is not None:
        _check(validator, _without_gaps(body), f"answer to {endpoint}")


def _without_gaps(body: dict[str, Any]) -> dict[str, Any]:
    """The answer without columns of types both descriptions have forgotten, though Notion sends them."""
    if body.get("object") == "list":
        described = [entry for entry in body["results"] if entry.get("type") not in NEWER_BLOCKS]
        return {**body, "results": [_without_gaps(entry) for entry in described]}
    if body.get("object") != "data_source":
        return body
    columns = {name: prop for name, prop in body["properties"].items() if prop["type"] not in UNDESCRIBED}
    return {**body, "properties": columns}


@functools.cache
def _webhook_validators(event_type: str) -> tuple[jsonschema_rs.Validator, jsonschema_rs.Validator]:
    """By the document, opened because it closes every part of an `allOf`; and by the client's types, strict."""
    words = [part.capitalize() for part in event_type.replace(".", "_").split("_")]
    name = "".join(words)
    schema = {"$ref": f"#/components/schemas/{name[0].lower()}{name[1:]}WebhookPayload"}
    document = {**_opened(schema), "components": _open_document()["components"]}
    definitions = json.loads(CLIENT_TYPES.read_text())["definitions"]
    types = {"$ref": f"#/definitions/{name}WebhookPayload", "definitions": definitions}
    return jsonschema_rs.Draft202012Validator(document, validate_formats=True), jsonschema_rs.Draft7Validator(
        types
    )


def webhook_types() -> set[str]:
    """The types of all events the document describes."""
    schemas = _document()["components"]["schemas"]
    return {
        part["properties"]["type"]["const"]
        for name, schema in schemas.items()
        if name.endswith("WebhookPayload")
        for part in schema.get("allOf", ())
        if "const" in part.get("properties", {}).get("type", {})
    }


def assert_webhook_conforms(body: Any) -> None:
    """An event against Notion's document and, with no key too many, the types of its client."""
    for validator in _webhook_validators(body["type"]):
        _check(validator, body, f"event {body['type']}")


TYPE_OF_OBJECT = {
    "page": "PageObjectResponse",
    "data_source": "DataSourceObjectResponse",
    "database": "DatabaseObjectResponse",
    "block": "BlockObjectResponse",
    "user": "UserObjectResponse",
    "property_item": "PropertyItemObjectResponse",
    "comment": "CommentObjectResponse",
    "file_upload": "FileUploadObjectResponse",
    "async_task": "GetAsyncTaskResponse",
    "page_markdown": "PageMarkdownResponse",
}


# Endpoints newer than the document: (type of the body, type of the answer) in Notion's own client.
CLIENT_ENDPOINTS: dict[str, tuple[str | None, str]] = {
    "GET /v1/views": (None, "ListDatabaseViewsResponse"),
    "POST /v1/views": ("CreateViewBodyParameters", "DataSourceViewObjectResponse"),
    "GET /v1/views/{view_id}": (None, "DataSourceViewObjectResponse"),
    "PATCH /v1/views/{view_id}": ("UpdateViewBodyParameters", "DataSourceViewObjectResponse"),
    "DELETE /v1/views/{view_id}": (None, "PartialDataSourceViewObjectResponse"),
    "POST /v1/views/{view_id}/queries": ("CreateViewQueryBodyParameters", "ViewQueryResponse"),
    "GET /v1/views/{view_id}/queries/{query_id}": (None, "GetViewQueryResultsResponse"),
    "DELETE /v1/views/{view_id}/queries/{query_id}": (None, "DeletedViewQueryResponse"),
    "GET /v1/custom_emojis": (None, "ListCustomEmojisResponse"),
    "GET /v1/async_tasks/{task_id}": (None, "GetAsyncTaskResponse"),
    "GET /v1/data_sources/{data_source_id}/templates": (None, "ListDataSourceTemplatesResponse"),
    "DELETE /v1/comments/{comment_id}": (None, "CommentObjectResponse"),
    "PATCH /v1/comments/{comment_id}": (None, "CommentObjectResponse"),
}


@functools.cache
def _client_type(name: str) -> jsonschema_rs.Validator:
    definitions = json.loads(CLIENT_TYPES.read_text())["definitions"]
    # Filters and sorts of views: the client calls them records of nothing and means "anything".
    definitions["Record<string,never>"] = {"type": "object"}
    return jsonschema_rs.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


def assert_conforms_to_client(endpoint: str, sent: Any, answered: dict[str, Any]) -> None:
    """Body and answer of an endpoint the document does not have yet: no key too many in either."""
    known = CLIENT_ENDPOINTS.get(endpoint)
    if known is None:
        return
    if known[0] is not None:
        _check(_client_type(known[0]), sent, f"request of {endpoint}")
    bare = {key: value for key, value in answered.items() if key != "request_id"}
    _check(_client_type(known[1]), bare, f"answer to {endpoint}")


@functools.cache
def _client_validators() -> dict[str, jsonschema_rs.Validator]:
    definitions = _opened(json.loads(CLIENT_TYPES.read_text())["definitions"])
    for definition in definitions.values():
        # The types of the client are those of the older version; 2026-03-11 never sends this key.
        if "archived" in definition.get("required", ()):
            definition["required"].remove("archived")
    return {
        kind: jsonschema_rs.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
        for kind, name in TYPE_OF_OBJECT.items()
    }


def assert_objects_conform(body: Any) -> None:
    """Each object of an answer against the types of Notion's own client, which are newer; relaxed."""
    for entry in body["results"] if body.get("object") == "list" else [body]:
        validator = _client_validators().get(entry.get("object", ""))
        if validator is not None:
            _check(validator, _without_gaps(entry), f"a {entry['object']}")


def _check(validator: jsonschema_rs.Validator, body: Any, what: str) -> None:
    errors = [f"{list(error.instance_path)}: {error.message[:300]}" for error in validator.iter_errors(body)]
    assert not errors, f"{what} does not conform: " + "; ".join(errors)
