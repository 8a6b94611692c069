"""A company with a past, on a server of its own."""

from collections.abc import Iterator

import pytest

from tests.tenants.backups.own_server import OwnServer
from tests.tenants.lifecycle.restoring.past import Past, a_past


@pytest.fixture
def past(on_own_server: OwnServer) -> Iterator[Past]:
    """The company had "one" and "two" at the moment, and got "three" afterwards."""
    with a_past() as found:
        yield found
