"""Keys that run out: told of in time and once each, by letter and on the page."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import ScimDirectory, ScimToken, SsoLogEntry
from tenants.accounts.scim.directories import DirectoryChange, change_directory
from tenants.accounts.scim.key_expiry import KEY_LETTER_TO_JOB, days_left, tell_of_key, warn_of_keys
from tenants.accounts.scim.tokens import issue_scim_token, revoke_scim_token
from tenants.tenancy import TenantRef
from tests.fakes.dispatch import run_due_work
from tests.people import person, signed_in_client, token_client


def key_with(directory: ScimDirectory, admin: UserActor, *, left: timedelta, days: int = 365) -> ScimToken:
    """A key that was made for so many days and ends so soon."""
    row = issue_scim_token(directory=directory, actor=admin, days=days, overlap_hours=0).row
    ends = timezone.now() + left
    ScimToken.objects.filter(pk=row.pk).update(expires_at=ends, created_at=ends - timedelta(days=days))
    row.refresh_from_db()
    return row


def test_each_mark_is_told_of_once(directory: ScimDirectory, admin: UserActor) -> None:
    row = key_with(directory, admin, left=timedelta(days=31))
    assert warn_of_keys() == 0
    told = []
    for left in (30, 29.5, 8, 7, 6, 2, 1, 0.5, 0, -1, -6):
        ScimToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() + timedelta(days=left))
        if warn_of_keys():
            told.append(left)
        assert warn_of_keys() == 0, "told twice"
    assert told == [30, 7, 1, 0]
    events = SsoLogEntry.objects.filter(event__startswith="scim.key.end").order_by("id")
    assert list(events.values_list("event", flat=True)) == ["scim.key.ends"] * 3 + ["scim.key.ended"]


def test_who_missed_the_first_mark_is_told_of_the_next_alone(
    directory: ScimDirectory, admin: UserActor
) -> None:
    row = key_with(directory, admin, left=timedelta(hours=20))
    assert warn_of_keys() == 1
    row.refresh_from_db()
    assert row.warned_days == 1


@pytest.mark.parametrize(
    ("days", "left", "is_told"), [(20, 15, False), (20, 6, True), (1, 0.9, False), (1, -1, True)]
)
def test_a_short_life_is_not_warned_of_from_its_first_day(
    directory: ScimDirectory, admin: UserActor, days: int, left: float, is_told: bool
) -> None:
    key_with(directory, admin, left=timedelta(days=left), days=days)
    assert warn_of_keys() == int(is_told)


def test_nobody_is_told_of_what_does_not_matter_any_more(directory: ScimDirectory, admin: UserActor) -> None:
    replaced = key_with(directory, admin, left=timedelta(days=5))
    newer = issue_scim_token(directory=directory, actor=admin, overlap_hours=24).row
    assert warn_of_keys() == 0
    revoke_scim_token(token=newer, actor=admin)
    ScimToken.objects.filter(pk=replaced.pk).update(expires_at=timezone.now() - timedelta(days=8))
    assert warn_of_keys() == 0
    ScimToken.objects.filter(pk=replaced.pk).update(expires_at=timezone.now() + timedelta(days=5))
    change_directory(directory=directory, actor=admin, change=DirectoryChange(is_enabled=False))
    assert warn_of_keys() == 0
    change_directory(directory=directory, actor=admin, change=DirectoryChange(is_enabled=True))
    assert warn_of_keys() == 1


def test_everybody_who_makes_keys_gets_a_letter_and_nobody_else(
    directory: ScimDirectory, admin: UserActor, owner: UserActor, tenant: TenantRef
) -> None:
    security = person(tenant, Role.SECURITY, "Sam Security-Example")
    person(tenant, Role.MANAGER, "Mo Manager-Example")
    row = key_with(directory, admin, left=timedelta(days=6, hours=12))
    warn_of_keys()
    assert len(run_due_work(tenant, kind=KEY_LETTER_TO_JOB)[KEY_LETTER_TO_JOB]) == 3
    assert {letter.to[0] for letter in mail.outbox} == {each.user.email for each in (admin, owner, security)}
    letter = mail.outbox[0]
    assert letter.subject == f"The key runs out in 7 days: {directory.name}"
    assert row.public_id in letter.body
    assert f"/settings/directories/{directory.pk}/" in letter.body
    issue_scim_token(directory=directory, actor=admin)
    assert not tell_of_key(admin.user_id, row.pk, 7), "it was replaced meanwhile"


def test_the_pages_and_the_api_say_until_when_and_whose(
    directory: ScimDirectory, admin: UserActor, host: str
) -> None:
    browser = signed_in_client(host, admin)
    address = f"/settings/directories/{directory.pk}/"
    assert "runs out" not in browser.get(address).content.decode()
    row = key_with(directory, admin, left=timedelta(days=3, hours=1))
    page = browser.get(address).content.decode()
    assert "key runs out in 4 days" in page
    assert f"Made by {admin.user.name} on" in page
    assert "Key ends in 4 days" in browser.get("/settings/directories/").content.decode()
    api = token_client(host, admin).get(f"/api/v1/scim-directories/{directory.pk}/").json()
    assert api["key_expires_at"] == row.expires_at.isoformat().replace("+00:00", "Z")
    ScimToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(hours=1))
    assert "key has run out" in browser.get(address).content.decode()
    assert "Key has run out" in browser.get("/settings/directories/").content.decode()


def test_days_are_counted_up() -> None:
    now = timezone.now()
    assert [days_left(now + timedelta(hours=hours), now) for hours in (-1, 0, 1, 24, 25, 48)] == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]
