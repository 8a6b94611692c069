"""A token endpoint beside the pages that lead to it."""

from tests.integrations.oauth.conftest import endpoint

__all__ = ["endpoint"]
