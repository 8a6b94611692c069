"""A PostgreSQL of its own that keeps its write-ahead log, for the slow tests of backups and restores."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.tenants.backups.own_server import OwnServer, own_server, prepare_product, product_on


@pytest.fixture(scope="session")
def archived_server(django_db_blocker: DjangoDbBlocker) -> Iterator[OwnServer]:
    """A server that archives, and on it the product's databases without a company."""
    with own_server() as server:
        with django_db_blocker.unblock(), product_on(server):
            prepare_product()
        yield server


@pytest.fixture
def on_own_server(archived_server: OwnServer, django_db_blocker: DjangoDbBlocker) -> Iterator[OwnServer]:
    """The product works on the archiving server during the test, whose repository is kept from test to test."""
    with django_db_blocker.unblock(), product_on(archived_server):
        yield archived_server
