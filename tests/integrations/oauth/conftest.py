"""A token endpoint of one's own, and a public integration registered at it."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from integrations.registry import close_connections
from tests.fakes.oauth_endpoint import CLIENT_ID, CLIENT_SECRET, OAuthEndpoint, running_endpoint


@pytest.fixture
def endpoint(settings: Settings) -> Iterator[OAuthEndpoint]:
    """The token endpoint this product talks to."""
    held = OAuthEndpoint()
    with running_endpoint(held) as base_url:
        settings.NOTION_BASE_URL = base_url
        settings.NOTION_OAUTH_CLIENT_ID = CLIENT_ID
        settings.NOTION_OAUTH_CLIENT_SECRET = CLIENT_SECRET
        yield held
        close_connections()
