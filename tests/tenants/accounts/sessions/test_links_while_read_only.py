"""A client without a password in a company that is read-only: comes in by a letter, looks, and changes nothing."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tasks.models import Comment
from tasks.sharing import LEVELS, share
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.sessions.links import SIGN_IN_LINK_JOB
from tenants.dispatch import enqueue
from tenants.dispatch.running import Outcome
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tests.factories.tasks import make_project, make_task
from tests.fakes.dispatch import run_due_work


def put(tenant: TenantRef, state: str) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state=state)
    directory.forget()


def test_links_only_clients_come_in_and_look(
    tenant: TenantRef, stranger: Client, manager: UserActor, guest: UserActor
) -> None:
    cache.clear()
    project = make_project(name="New depot", key="DEP")
    task = make_task(key_prefix="DEP", number=955, title="Order the gate", project=project)
    share(thing=project, holder=guest.user, codes=LEVELS["approve"], actor=manager)
    User.objects.filter(pk=guest.user_id).update(password="!")
    put(tenant, "read_only")

    assert stranger.post("/account/link/", {"email": guest.user.email}).status_code == 302
    assert run_due_work(tenant, kind=SIGN_IN_LINK_JOB) == {SIGN_IN_LINK_JOB: [Outcome.DONE]}
    found = re.search(r"/account/link/nts_link_\w+/", str(mail.outbox[-1].body))
    assert found
    assert stranger.get(found[0]).status_code == 200
    assert stranger.post(found[0]).status_code == 302

    assert "New depot" in stranger.get("/portal/").content.decode()
    assert stranger.get(f"/portal/tasks/{task.key}/").status_code == 200
    answer = stranger.post(f"/portal/tasks/{task.key}/comment/", {"body": "Hello"})
    assert (answer.status_code, Comment.objects.exists()) == (503, False)


@pytest.mark.parametrize("state", ["suspended", "moving", "pending_deletion"])
def test_where_nobody_signs_in_no_letter_is_sent(
    tenant: TenantRef, stranger: Client, guest: UserActor, state: str
) -> None:
    cache.clear()
    with atomic():
        enqueue(SIGN_IN_LINK_JOB)
    put(tenant, state)
    assert stranger.post("/account/link/", {"email": guest.user.email}).status_code == 503
    assert run_due_work(tenant, kind=SIGN_IN_LINK_JOB) == {SIGN_IN_LINK_JOB: [Outcome.POSTPONED]}
    assert not mail.outbox
