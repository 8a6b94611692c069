"""A subscription of the sample workspace, and an address that takes what it sends."""

from __future__ import annotations

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.subscriptions import Subscription
from tests.fakes.notion_sandbox import WebhookInbox

URL = "http://receiver.example/hooks/notion/k1/"


@pytest.fixture
def inbox(sandbox: Sandbox) -> WebhookInbox:
    """Everything the sandbox sends lands here."""
    made = WebhookInbox()
    sandbox.webhooks.sender = made
    return made


@pytest.fixture
def subscription(sandbox: Sandbox, inbox: WebhookInbox) -> Subscription:
    """Confirmed, for every event; the handshake is not in the inbox any more."""
    made = sandbox.webhooks.subscribe("Test Workspace", URL)
    sandbox.webhooks.confirm(made.id, made.verification_token)
    inbox.clear()
    return made
