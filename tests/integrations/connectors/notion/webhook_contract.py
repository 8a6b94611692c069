"""Notion's own description of its webhooks, to hold events against."""

import functools
from typing import Any

import jsonschema_rs

from tests.integrations.sandbox.notion import contract


@functools.cache
def _validators() -> dict[str, jsonschema_rs.Validator]:
    document = contract._strict_document()
    found = {}
    for name in document["webhooks"]:
        schema = document["components"]["schemas"][f"{name}WebhookPayload"]
        own = schema["allOf"][1]["properties"]
        found[str(own["type"]["const"])] = contract._validator(document, schema)
    return found


def webhook_kinds() -> set[str]:
    """Every kind of event Notion describes."""
    return set(_validators())


def webhook_mistakes(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event by its own kind's description; empty when nothing is."""
    return [error.message[:200] for error in _validators()[event["type"]].iter_errors(event)]
