"""The demo's sandbox tells of changes: subscribed once, told to the right addresses, subscribed anew when they move."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from pytest_django import Settings

from integrations.demo.addresses import OAUTH_CLIENT_ID
from integrations.demo.clash import ensure_clash
from integrations.demo.companies import SignIn, ensure_connections
from integrations.demo.events import ensure_events
from integrations.demo.workspaces import WorkspaceFile
from integrations.models import ExternalLink, InboundEvent, WebhookSubscription
from integrations.sandbox.notion.content.living import read_tables
from integrations.sandbox.notion.content.loopback import SandboxCalls
from integrations.sandbox.notion.items import title_of
from integrations.sandbox.notion.sandbox import Sandbox
from tenants.foundation.errors import DomainError
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import run_due_work

Taken = tuple[TenantRef, list[SignIn]]


def _post(url: str, body: bytes, headers: Any) -> int:
    """What arrives at an address of ours, answered in the sandbox's own thread."""
    parts = urlsplit(url)
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in dict(headers).items()}
    try:
        answer = Client().post(
            parts.path, body, content_type="application/json", **{**named, "HTTP_HOST": parts.netloc}
        )
        return int(answer.status_code)
    finally:
        connections.close_all()


@pytest.fixture
def telling(demo_sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The demo's Notion, whose posts arrive here."""
    demo_sandbox.oauth.register(OAUTH_CLIENT_ID, "a-secret-of-the-test")
    demo_sandbox.webhooks.sender = _post
    return demo_sandbox


def _calls() -> SandboxCalls:
    return SandboxCalls(django_settings.NOTION_BASE_URL)


def test_every_workspace_is_told_of_and_a_second_start_changes_nothing(
    taken_in: Taken, telling: Sandbox, workspace_files: list[WorkspaceFile]
) -> None:
    ref, _ = taken_in
    connected = ensure_connections(ref, workspace_files)
    ensure_events(ref, connected, _calls())
    made = telling.webhooks.subscriptions()
    assert [one.state for one in made] == ["active", "active"]
    with tenant_scope(ref), atomic():
        keys = set(WebhookSubscription.objects.values_list("address_key", flat=True))
    assert {one.url.rstrip("/").rpartition("/")[2] for one in made} == keys

    # Nothing was told of yet: the second start does not take that for an address that fails.
    ensure_events(ref, connected, _calls())
    assert {one.id for one in telling.webhooks.subscriptions()} == {one.id for one in made}

    names = {file.shape.name for file in workspace_files if file.shape.company == ref.slug}
    for table in [table for table in read_tables(_calls()) if table.workspace.name in names]:
        telling.trash(next(iter(table.pages)), next(iter(table.people)))
    assert {attempt.status for attempt in telling.webhooks.deliver_now()} == {204}
    with tenant_scope(ref), atomic():
        assert {one.state for one in WebhookSubscription.objects.all()} == {WebhookSubscription.State.ACTIVE}
        assert InboundEvent.objects.count() >= len(names)


def test_on_another_port_the_workspaces_are_subscribed_anew_and_the_old_addresses_are_given_up(
    taken_in: Taken, telling: Sandbox, workspace_files: list[WorkspaceFile], settings: Settings
) -> None:
    ref, _ = taken_in
    connected = ensure_connections(ref, workspace_files)
    ensure_events(ref, connected, _calls())
    before = {one.id for one in telling.webhooks.subscriptions()}
    settings.PUBLIC_PORT = 8123
    ensure_events(ref, connected, _calls())
    after = telling.webhooks.subscriptions()
    assert {urlsplit(one.url).port for one in after} == {8123}
    assert len(after) == 2
    assert before.isdisjoint(one.id for one in after)


def test_an_introduction_that_does_not_arrive_is_an_error_with_a_reason(
    taken_in: Taken, telling: Sandbox, workspace_files: list[WorkspaceFile]
) -> None:
    ref, _ = taken_in
    connected = ensure_connections(ref, workspace_files)
    telling.webhooks.sender = lambda url, body, headers: 0
    with pytest.raises(DomainError, match="not introduced itself"):
        ensure_events(ref, connected, _calls())
    telling.webhooks.sender = _post
    ensure_events(ref, connected, _calls())
    assert [one.state for one in telling.webhooks.subscriptions()] == ["active", "active"]


def test_two_people_change_one_title_at_once_and_it_is_a_field_somebody_is_asked_about(
    taken_in: Taken, demo_sandbox: Sandbox, workspace_files: list[WorkspaceFile]
) -> None:
    ref, _ = taken_in
    ensure_connections(ref, workspace_files)
    assert ensure_clash(ref, _calls()) == ""  # nothing is here yet
    run_due_work(ref, kind="integrations.run_sync")

    key = ensure_clash(ref, _calls())

    with tenant_scope(ref), atomic():
        link = ExternalLink.objects.select_related("task", "collection").get(task__key=key)
        assert link.task is not None
        assert link.base is not None
        there = title_of(demo_sandbox.holder_of(link.remote_id)[1].obj)
        assert len({link.base["title"], link.task.title, there}) == 3
        assert link.collection.mappings.get(our_field="title").policy == "manual"
