"""Canary secrets go in at every door of the log; none may come out."""

import json
import logging
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tenants.foundation.crypto import Secret
from tenants.foundation.redaction import RedactingFilter, is_secret_key, processor, redact, redact_text

# Put together here so that no scanner takes this file for a leak.
CANARIES = {
    "notion": "ntn_" + "12345678901abcDEFghiJKLmnoPQRstuVWXyz0123456789",
    "notion short": "ntn_" + "acme_demo",
    "notion old": "secret_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "slack app": "xapp-" + "1-A123-456-abcdef",
    "github": "ghp_" + "a" * 36,
    "github fine": "github_pat_" + "11ABCDEFG0abcdefghij_klmnop",
    "gitlab": "glpat-" + "abcdefghij1234567890",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "abcDEF-_123",
    "aws": "AKIA" + "ABCDEFGHIJKLMNOP",
    "ours": "nts_live_" + "Ab3dEf6hIj9k" + "_" + "Z" * 43 + "_" + "1a2b3c",
    "discord": "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "GabcDE." + "abcdefghijklmnopqrstuvwxyz-_12345678901",
    "pem": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
}


@dataclass
class Settings:
    token: str


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES.keys())
def test_a_secret_is_known_by_its_look_wherever_it_stands(canary: str) -> None:
    for text in (
        canary,
        f"before {canary} after",
        f"'{canary}'",
        f'{{"x": "{canary}"}}',
        f"url?x={canary}&y=1",
    ):
        assert canary not in redact_text(text)
        assert "***" in redact_text(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("authorization=Token 0123456789", "0123456789"),
        ("Cookie: sessionid=abcd1234; csrftoken=efgh5678", "abcd1234"),
        ("Set-Cookie: __Host-session=zzzz9999; Path=/", "zzzz9999"),
        ("X-Session-Token: q1w2e3r4t5", "q1w2e3r4t5"),
        ("postgresql://app:hunter22@db.example/app", "hunter22"),
        ("https://x.example/cb?code=4abcdef&state=5abcdef", "4abcdef"),
        ("https://x.example/cb?code=4abcdef&state=5abcdef", "5abcdef"),
        ("password=hunter22 failed", "hunter22"),
        ('{"client_secret": "s3cr3tvalue"}', "s3cr3tvalue"),
        ("SAMLResponse=PHNhbWxwOlJlc3BvbnNl", "PHNhbWxwOlJlc3BvbnNl"),
    ],
)
def test_a_secret_is_known_by_its_surroundings(text: str, hidden: str) -> None:
    assert hidden not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "The task OPS-214 was moved to done by mara@acme.example.",
        "code=tasks.already_done",
        "https://www.notion.so/Launch-plan-1f2e3d4c5b6a79881234567890abcdef?v=1",
        "secret_santa",
        "GET /api/v1/tasks?status=done&sort=due_on",
        "019b2f60-7c1a-7abc-8def-0123456789ab",
        "the bearer of this letter",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "new_password",
        "X-Api-Key",
        "client_secret",
        "accessToken",
        "HTTP_AUTHORIZATION",
        "Set-Cookie",
    ],
)
def test_a_key_that_promises_a_secret_hides_its_value(key: str) -> None:
    assert redact({key: "plain words"}) == {key: "***"}
    assert redact({key: ["plain words"]}) == {key: "***"}


@pytest.mark.parametrize(
    "key", ["token_count", "secret_id", "password_changed_at", "key", "code", "tokenised", 7]
)
def test_a_key_about_a_secret_is_not_a_secret(key: object) -> None:
    assert not is_secret_key(key)


def test_nothing_to_hide_stays_visible() -> None:
    assert redact({"token": None, "has_token": True, "password": ""}) == {
        "token": None,
        "has_token": True,
        "password": "",
    }


def test_secrets_are_found_in_nested_and_foreign_things() -> None:
    canary = CANARIES["notion"]
    value: dict[str, Any] = {
        "list": [{"deep": (canary, {canary}, frozenset([canary]))}],
        "bytes": canary.encode(),
        "object": Settings(token="plain words"),
        "error": ValueError(f"bad {canary}"),
        "secret": Secret("plain words"),
        "held": [Secret("plain words")],
        "n": 3,
        "id": UUID(int=5),
    }
    masked = redact(value)
    assert canary not in repr(masked)
    assert "plain words" not in repr(masked)
    assert (masked["n"], masked["id"]) == (3, UUID(int=5))
    assert canary in repr(value), "what was given must not be changed"


def test_a_structure_that_holds_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    assert "***" in repr(redact(loop))


def test_the_processor_masks_events_and_rendered_exceptions() -> None:
    canary = CANARIES["ours"]
    event = processor(
        None,
        "error",
        {
            "event": f"failed.{canary}",
            "exception": f"ValueError: {canary}",
            "password": "plain words",
            "n": 1,
        },
    )
    assert canary not in json.dumps(event)
    assert "plain words" not in json.dumps(event)
    assert event["n"] == 1


def test_the_filter_masks_messages_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    canary = CANARIES["notion"]
    logger = logging.getLogger("test.redaction")
    redacting = RedactingFilter()
    logger.addFilter(redacting)
    try:
        try:
            raise ValueError(canary)
        except ValueError:
            logger.exception("calling with %s and %s", canary, {"authorization": "Bearer abcdef123456"})
    finally:
        logger.removeFilter(redacting)
    assert re.search(r"calling with \*\*\*", caplog.text)
    assert "Traceback" in caplog.text
    assert canary not in caplog.text
    assert "abcdef123456" not in caplog.text
