"""The receiving address: what is not signed is nothing, what is signed is kept once, whatever it is."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Connection, InboundEvent, WebhookSubscription
from integrations.webhooks.receiving import MOST_BYTES
from integrations.webhooks.services import (
    open_webhook,
    reveal_signing_key,
    switch_off_webhook,
    take_pending_key,
)
from tenants.accounts.access import SYSTEM
from tenants.models import Tenant
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, atomic, current_tenant, tenant_scope
from tenants.tenancy.directory import directory
from tests.factories.notion_events import event_json, post
from tests.fakes.dispatch import states_of_work
from tests.integrations.webhooks.conftest import Hook, connection_of

log = structlog.get_logger(__name__)
JOB = "integrations.handle_events"


def test_an_event_is_kept_and_a_look_is_asked_for(hook: Hook, tenant: TenantRef) -> None:
    event = event_json(entity_id="page-1", collection_id="source-1", fields=["title"])

    assert hook.send(event) == 204

    kept = InboundEvent.objects.get(pk=event["id"])
    assert (kept.kind, kept.change, kept.state) == ("page.properties_updated", "values", "waiting")
    assert (kept.entity_id, kept.collection_id, kept.updated_fields) == ("page-1", "source-1", ["title"])
    assert hook.subscription.state == WebhookSubscription.State.ACTIVE
    assert states_of_work(tenant, JOB) == ["ready"]


def test_the_same_event_sent_eight_times_is_kept_once(hook: Hook, tenant: TenantRef) -> None:
    event = event_json(entity_id="page-1")
    assert [hook.send({**event, "attempt_number": number}) for number in range(1, 9)] == [204] * 8
    assert InboundEvent.objects.get(pk=event["id"]).attempt == 1
    assert states_of_work(tenant, JOB) == ["ready"]


def test_a_first_delivery_may_be_the_eighth_attempt(hook: Hook) -> None:
    yesterday = datetime.now(UTC) - timedelta(hours=24)
    assert hook.send(event_json(attempt_number=8, at=yesterday)) == 204
    assert InboundEvent.objects.get().attempt == 8


@pytest.mark.parametrize("key", ["secret_of_somebody_else", "", None])
def test_what_is_not_signed_with_the_key_is_refused_and_counted(hook: Hook, key: str | None) -> None:
    assert hook.send(event_json(), key=key) == 401
    assert not InboundEvent.objects.exists()
    assert hook.subscription.refused == 1
    assert hook.subscription.last_event_at is None


def test_a_signature_of_other_bytes_is_refused(hook: Hook) -> None:
    body = json.dumps(event_json()).encode()
    answer = post(
        hook.client, hook.address, body + b" ", key=None, **{"X-Notion-Signature": "sha256=" + "0" * 64}
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "webhooks.wrong_signature"


def test_an_address_nobody_has_says_nothing_of_others(hook: Hook) -> None:
    unknown = post(hook.client, "/hooks/notion/nobodys-key/", event_json())
    elsewhere = post(hook.client, hook.address.replace("notion", "linear"), event_json())
    switch_off_webhook(connection=hook.connection, actor=SYSTEM)
    closed = post(hook.client, hook.address, event_json())

    answers = [unknown, elsewhere, closed]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_a_disconnected_workspace_has_no_address(hook: Hook) -> None:
    Connection.objects.update(state=Connection.State.DISCONNECTED)
    assert hook.send(event_json()) == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_an_address_only_takes_posts(hook: Hook, method: str) -> None:
    assert getattr(hook.client, method)(hook.address).status_code == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"\xff\xfe\x00", b"[" * 90_000, b'{"id":"a\x00"}', b'{"type":"page.created"}'],
)
def test_garbage_that_is_signed_is_told_so_in_a_sentence(hook: Hook, body: bytes) -> None:
    answer = post(hook.client, hook.address, body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "webhooks.malformed"
    assert "Traceback" not in answer.content.decode()


def test_nul_bytes_inside_of_texts_are_taken_out(hook: Hook) -> None:
    assert hook.send(event_json("page.created", "page\x00-1")) == 204
    assert InboundEvent.objects.get().entity_id == "page-1"


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 1024 * 1024, 3 * 1024 * 1024])
def test_a_body_larger_than_any_event_is_not_even_hashed(hook: Hook, size: int) -> None:
    assert hook.send(b"x" * size) == 413
    assert hook.subscription.refused == 0


@pytest.mark.parametrize(
    "kind", ["page.sang_a_song", "comment.created", "page.locked", "file_upload.created", "view.updated"]
)
def test_kinds_that_change_nothing_here_are_taken_and_need_no_work(
    hook: Hook, tenant: TenantRef, kind: str
) -> None:
    assert hook.send(event_json(kind)) == 204
    kept = InboundEvent.objects.get()
    assert (kept.state, kept.reason) == ("ignored", "Nothing here depends on it.")
    assert states_of_work(tenant, JOB) == []


def test_an_event_of_another_workspace_is_kept_apart(hook: Hook, tenant: TenantRef) -> None:
    assert hook.send(event_json(workspace_id="0b0b0b0b-0000-4000-8000-000000000002")) == 204
    assert InboundEvent.objects.get().reason == "It is about another workspace."
    assert states_of_work(tenant, JOB) == []


def test_cookies_and_forms_play_no_part(hook: Hook, console: Client) -> None:
    """A browser of somebody signed in, checked for forged forms, is a stranger here."""
    strict = Client(enforce_csrf_checks=True)
    strict.defaults, strict.cookies = console.defaults, console.cookies
    assert post(strict, hook.address, event_json(), key=None).status_code == 401
    assert post(strict, hook.address, event_json()).status_code == 204


def test_an_event_costs_a_handful_of_statements(hook: Hook) -> None:
    hook.send(event_json())
    with CaptureQueriesContext(connections[current_tenant().cell]) as asked:
        hook.send(event_json())
    statements = [item["sql"] for item in asked if "SAVEPOINT" not in item["sql"]]
    assert len(statements) <= 7, statements


def test_a_burst_of_posts_is_kept_whole_by_one_job(hook: Hook, tenant: TenantRef) -> None:
    """Logs how long the door took (`pytest -s`): a figure to look at, no limit to fail at on a busy machine."""
    taken = []
    for number in range(200):
        begin = time.perf_counter()
        assert hook.send(event_json(entity_id=f"page-{number}")) == 204
        taken.append((time.perf_counter() - begin) * 1000)
    taken.sort()
    log.info("door.measured", p50_milliseconds=round(taken[100], 1), p99_milliseconds=round(taken[198], 1))
    assert InboundEvent.objects.filter(state="waiting").count() == 200
    assert states_of_work(tenant, JOB) == ["ready"]


# --- the key


def test_the_first_key_is_kept_sealed_and_waits_to_be_confirmed(waiting_hook: Hook) -> None:
    assert waiting_hook.introduce("secret_first") == 204
    kept = waiting_hook.subscription
    assert kept.state == WebhookSubscription.State.CONFIRMING
    assert kept.signing_secret is not None
    assert b"secret_first" not in bytes(kept.signing_secret.sealed)


def test_the_first_signed_event_shows_that_the_key_was_confirmed(hook: Hook) -> None:
    assert hook.subscription.state == WebhookSubscription.State.CONFIRMING
    hook.send(event_json())
    assert hook.subscription.state == WebhookSubscription.State.ACTIVE


def test_a_stranger_cannot_put_a_key_in_the_place_of_the_one_in_use(hook: Hook) -> None:
    hook.send(event_json())

    assert hook.introduce("secret_of_a_stranger") == 204

    assert hook.send(event_json(), key="secret_of_a_stranger") == 401
    assert hook.send(event_json()) == 204
    assert hook.subscription.pending_secret is not None
    assert hook.subscription.state == WebhookSubscription.State.ACTIVE


def test_a_key_nobody_has_seen_yet_is_not_replaced_behind_the_administrators_back(waiting_hook: Hook) -> None:
    waiting_hook.introduce("secret_first")
    assert waiting_hook.introduce("secret_second") == 204
    assert waiting_hook.subscription.pending_secret is not None
    assert waiting_hook.send(event_json(), key="secret_second") == 401
    shown = reveal_signing_key(connection=waiting_hook.connection, actor=SYSTEM)
    assert shown.reveal() == "secret_first"


def test_a_key_that_waits_is_not_replaced_by_a_third(hook: Hook) -> None:
    hook.introduce("secret_second")
    assert hook.introduce("secret_of_a_stranger") == 403
    taken = take_pending_key(connection=hook.connection, actor=SYSTEM)
    assert taken.signing_secret is not None
    assert reveal_secret(taken.signing_secret.pk).reveal() == "secret_second"


def test_the_same_introduction_twice_changes_nothing(hook: Hook) -> None:
    hook.send(event_json())
    hook.introduce()
    assert hook.subscription.pending_secret is None
    assert hook.subscription.state == WebhookSubscription.State.ACTIVE


# --- companies


def test_the_same_workspace_in_two_companies_gives_each_its_own_events(
    hook: Hook, other_tenant: TenantRef, tenant: TenantRef
) -> None:
    event = event_json(entity_id="page-1")
    with tenant_scope(other_tenant), atomic():
        theirs = connection_of()
        open_webhook(connection=theirs, actor=SYSTEM)
        their_address = f"/hooks/notion/{WebhookSubscription.objects.get().address_key}/"
    assert post(hook.client, their_address, event).status_code == 404

    assert hook.send(event) == 204

    assert InboundEvent.objects.count() == 1
    with tenant_scope(other_tenant), atomic():
        assert not InboundEvent.objects.exists()
        assert WebhookSubscription.objects.get().refused == 0


@pytest.mark.parametrize("state", ["suspended", "read_only", "moving", "pending_deletion"])
def test_a_company_whose_doors_are_closed_asks_for_the_post_again(
    hook: Hook, tenant: TenantRef, state: str
) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state=state)
    directory.forget()
    answer = post(hook.client, hook.address, event_json())
    Tenant.objects.filter(pk=tenant.id).update(state="active")
    directory.forget()

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert not InboundEvent.objects.exists()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(body=st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()), extra=anything)
def test_whatever_is_posted_the_answer_is_plain(hook: Hook, body: bytes, extra: Any) -> None:
    assert post(hook.client, hook.address, body).status_code in {204, 400}
    assert post(hook.client, hook.address, body, key=None).status_code in {204, 401}
    assert hook.send(event_json() | {"data": extra, "entity": extra, "authors": extra}) == 204
