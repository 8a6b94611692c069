"""A device that can hold passkeys, on the company's own host."""

import pytest

from tests.fakes.authenticator import Authenticator


@pytest.fixture
def device(host: str) -> Authenticator:
    """A device on the company's own host."""
    return Authenticator(origin=f"http://{host}", rp_id=host)
