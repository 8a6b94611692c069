"""Whoever works on a directory's people locks in one order: nobody waits in a circle."""

import re
from collections.abc import Callable

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tenants.accounts.access import UserActor
from tenants.accounts.models import ScimDeprovisioning, ScimDirectory
from tenants.accounts.scim import brake
from tenants.accounts.scim.directories import DirectoryChange, change_directory, remove_directory
from tenants.tenancy.transactions import current_alias
from tests.tenants.accounts.scim.conftest import ScimClient

# As brake.py says.
ORDER = [
    "accounts_scimdeprovisioning",
    "accounts_scimperson",
    "accounts_scimgroup",
    "accounts_scimdirectory",
]
LOCK = re.compile(r'FROM "(\w+)".* FOR (?:NO KEY )?UPDATE')
OFF = {"op": "replace", "path": "active", "value": False}


@pytest.fixture
def held(scim: ScimClient, directory: ScimDirectory, admin: UserActor) -> list[str]:
    """Ids of three people, the last of whom is held; all of them in a group."""
    change_directory(directory=directory, actor=admin, change=DirectoryChange(brake_least=2))
    people = [str(scim.user(f"p{number}")["id"]) for number in range(3)]
    scim.group("Everybody", *people)
    answers = [scim.patch(f"/Users/{each}", OFF).status_code for each in people]
    assert answers == [200, 200, 409]
    return people


def locked_by(deed: Callable[[], object]) -> list[str]:
    """The tables whose rows a deed locks, in turn."""
    with CaptureQueriesContext(connections[current_alias()]) as sent:
        deed()
    found = [match[1] for each in sent if (match := LOCK.search(each["sql"].replace("\n", " ")))]
    return [table for table in found if table in ORDER]


def in_order(tables: list[str]) -> bool:
    places = [ORDER.index(table) for table in tables]
    return places == sorted(places)


def test_a_decision_locks_what_is_held_then_the_records(held: list[str], admin: UserActor) -> None:
    waiting = [row.pk for row in ScimDeprovisioning.objects.filter(state="held")]
    tables = locked_by(lambda: brake.approve(held=waiting, actor=admin))
    assert tables[:2] == ORDER[:2]
    # What it locks again it has.
    assert in_order(list(dict.fromkeys(tables)))


def test_a_directory_that_is_removed_is_locked_after_all_that_goes_with_it(
    held: list[str], directory: ScimDirectory, admin: UserActor
) -> None:
    assert locked_by(lambda: remove_directory(directory=directory, actor=admin)) == ORDER
    assert not ScimDirectory.objects.filter(pk=directory.pk).exists()


def test_a_directorys_own_request_begins_with_the_record(
    held: list[str], scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    change_directory(directory=directory, actor=admin, change=DirectoryChange(brake_least=9))
    new = scim.user("late")["id"]
    tables = locked_by(lambda: scim.patch(f"/Users/{new}", OFF))
    assert tables[:1] == ["accounts_scimperson"]
    assert in_order(tables)
