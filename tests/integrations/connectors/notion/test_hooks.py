"""What Notion posts: told apart from what only looks like it, and understood whatever is in it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.capabilities.event_feed import Change, MalformedEvent
from integrations.connectors.notion import hooks
from tenants.foundation.crypto import Secret
from tests.factories.notion_events import SIGNING_KEY, event_json, signature
from tests.integrations.connectors.notion.webhook_contract import webhook_kinds, webhook_mistakes
from tests.integrations.sandbox.notion import contract

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def parsed(event: Any) -> Any:
    return hooks.parse(json.dumps(event).encode(), received_at=NOW)


def is_genuine(body: bytes, given: str, key: str = SIGNING_KEY) -> bool:
    return hooks.is_genuine(body, {"x-notion-signature": given}, Secret(key))


def test_the_signature_is_that_of_the_raw_bytes_under_the_one_key() -> None:
    body = json.dumps(event_json()).encode()
    assert is_genuine(body, signature(body))
    assert not is_genuine(body + b" ", signature(body))
    assert not is_genuine(body, signature(body), key="secret_another")


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=00", "md5=" + "0" * 64, "ü" * 71, "\ud800"])
def test_what_is_no_signature_fits_nothing(given: str) -> None:
    assert not is_genuine(b"{}", given)


def test_the_published_example_of_a_signature_fits() -> None:
    """RFC 4231, test case 2: the same function everybody uses, not one of our own."""
    given = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert is_genuine(b"what do ya want for nothing?", given, key="Jefe")


def test_a_handshake_is_the_token_and_nothing_else() -> None:
    token = hooks.handshake(b'{"verification_token":"secret_abc"}')
    assert token is not None
    assert token.reveal() == "secret_abc"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"verification_token":""}',
        b'{"verification_token":"a b"}',
        b'{"verification_token":7}',
        b'{"verification_token":"secret_a","id":"x"}',
        b'{"verification_token":"' + b"s" * 501 + b'"}',
        b'["verification_token"]',
        b'{"verification_token":"secret_\xff"}',
        b'{"verification_token":"\\u0000"}',
    ],
)
def test_what_only_looks_like_a_handshake_is_none(body: bytes) -> None:
    assert hooks.handshake(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"type":"page.created"}',
        b'{"id":"","type":"page.created"}',
        b'{"id":7,"type":"page.created"}',
        b'{"id":"' + b"x" * 101 + b'","type":"page.created"}',
        b'{"id":"a","type":null}',
    ],
)
def test_what_cannot_be_told_apart_from_other_events_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        hooks.parse(body, received_at=NOW)


def test_an_event_says_what_changed_where_and_by_whom() -> None:
    event = parsed(
        event_json(
            entity_id="page-1", collection_id="source-1", container_id="base-1", workspace_id="w",
            fields=["title", "a%3Ab"], authors=[{"id": "somebody", "type": "person"}], at=NOW,
        )
    )  # fmt: skip
    assert (event.change, event.entity_id, event.collection_id, event.container_id) == (
        Change.VALUES, "page-1", "source-1", "base-1",
    )  # fmt: skip
    assert (event.updated_fields, event.author_ids, event.occurred_at) == (
        ("title", "a%3Ab"),
        ("somebody",),
        NOW,
    )


def test_a_table_is_named_by_its_own_id_and_an_old_one_by_what_holds_it() -> None:
    new = parsed(event_json("data_source.schema_updated", "source-1", container_id="base-1"))
    assert (new.change, new.collection_id, new.container_id) == (Change.SCHEMA, "source-1", "base-1")
    old = parsed(event_json("database.schema_updated", "base-1", container_id="page-9"))
    assert (old.change, old.collection_id, old.container_id) == (Change.SCHEMA, "", "base-1")


def test_changed_columns_may_be_objects_or_ids_and_what_is_neither_says_nothing() -> None:
    objects = [{"id": "a", "name": "A", "action": "updated"}]
    assert parsed(event_json("data_source.schema_updated", fields=objects)).updated_fields == ("a",)
    assert parsed(event_json(fields=["a", 7])).updated_fields is None
    assert parsed(event_json(fields=[])).updated_fields is None


def test_kinds_and_fields_nobody_has_heard_of_are_no_mistake() -> None:
    event = parsed(event_json("page.sang_a_song", brand_new={"deep": [1]}, data="text", entity=None))
    assert (event.kind, event.change, event.entity_id) == ("page.sang_a_song", Change.OTHER, "")


@pytest.mark.parametrize(
    "stamp", [None, 7, "yesterday", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_cannot_be_is_the_time_it_came(stamp: Any) -> None:
    assert parsed(event_json() | {"timestamp": stamp}).occurred_at <= NOW


def test_a_clock_days_ahead_is_not_believed_and_one_a_little_ahead_is() -> None:
    assert parsed(event_json(at=NOW + timedelta(days=40))).occurred_at == NOW
    assert parsed(event_json(at=NOW + timedelta(minutes=3))).occurred_at == NOW + timedelta(minutes=3)


@pytest.mark.parametrize(("number", "kept"), [(8, 8), (0, 1), (-3, 1), (10**9, 8), ("2", 1), (None, 1)])
def test_the_number_of_the_attempt_stays_within_what_there_is(number: Any, kept: int) -> None:
    assert parsed(event_json(attempt_number=number)).attempt == kept


def test_signs_that_cannot_be_stored_are_taken_out() -> None:
    event = parsed(event_json("page.created\x00", "page\x00-1", collection_id="\ud800"))
    assert (event.change, event.entity_id, event.collection_id) == (Change.CREATED, "page-1", "\ufffd")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
places = st.sampled_from(
    ["timestamp", "entity", "data", "authors", "attempt_number", "workspace_id", "subscription_id"]
)


@given(place=places, value=json_values)
def test_whatever_stands_in_a_field_an_event_is_understood_or_refused_in_words(
    place: str, value: Any
) -> None:
    event = parsed(event_json() | {place: value})
    assert "\x00" not in repr(event)
    assert event.occurred_at.tzinfo is not None


@pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
def test_every_kind_of_event_notion_describes_is_one_we_know_what_to_do_with() -> None:
    described = webhook_kinds()
    assert len(described) == 31
    for kind in hooks._CHANGES:
        assert kind in described, kind


@pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
@pytest.mark.parametrize(
    "event",
    [
        event_json("page.created", collection_id="6f9f3a1e-0000-4000-8000-000000000001"),
        event_json("page.properties_updated", fields=["title"]),
        event_json("page.content_updated"),
        event_json("page.deleted"),
        event_json("data_source.schema_updated", fields=[{"id": "a", "name": "A", "action": "updated"}]),
    ],
)
def test_the_events_of_these_tests_are_as_notion_describes_them(event: Any) -> None:
    assert webhook_mistakes(event) == []
