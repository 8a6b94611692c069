"""Every route of the product as a client: the rest is not there, and nothing hidden stands in an answer."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tasks.approvals.services import request_approval
from tasks.commenting import add_comment
from tasks.models import Milestone, Project, Task
from tasks.services import move_task
from tasks.sharing import LEVELS, share
from tenants.accounts.access import Role, UserActor
from tenants.accounts.clients import is_client
from tenants.accounts.models import Department, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import create_api_token
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.transactions import current_alias
from tests.architecture.canary import Canary
from tests.architecture.routes import ROUTES, Route
from tests.factories.tasks import make_person, make_project, make_task
from tests.people import person, signed_in_client

# What a client may ask for besides what strangers may: everything else is a 404. A new route is not for clients until
# it is marked `open_to_clients` and named here.
OWN = {
    "home", "account_logout", "account_change_password", "account_prove", "accounts:preferences",
    "accounts:my_sign_in", "accounts:authenticator_app", "accounts:remove_authenticator_app", "accounts:new_passkey",
    "accounts:new_passkey_options", "accounts:remove_passkey", "accounts:new_recovery_codes",
    "accounts:revoke_other_sign_ins", "accounts:revoke_sign_in", "me",
    "my-factors", "my-factors-app", "my-factors-confirm", "my-factors-passkey", "my-factors-recovery-codes",
    "my-sign-in-list", "my-sign-in-detail", "my-sign-in-end-others",
    "approval-list", "approval-detail", "approval-answer", "approval-withdraw",
    "portal:home", "portal:approvals", "portal:approval", "portal:project", "portal:report", "portal:report_csv",
    "portal:task", "portal:answer", "portal:comment", "portal:complete",
}  # fmt: skip
SHARED = "shared with the client"


class Planted:
    """A company full of hidden things, each of whose texts holds the canary's mark, and a few shared ones."""

    def __init__(self, tenant: TenantRef, manager: UserActor, guest: UserActor) -> None:
        self.canary = Canary(tenant).fill(is_whole=False)
        # The company's brand stands on every page, for strangers too.
        for model in apps.get_app_config("branding").get_models():
            model._default_manager.all().delete()
        mark = self.canary.mark
        self.colleague = person(tenant, Role.MEMBER, f"{mark} Colleague", f"{mark}-colleague@works.example")
        inside = person(tenant, Role.MANAGER, f"{mark} Manager", f"{mark}-manager@works.example")
        department = Department.objects.create(name=f"{mark} department", key="ZQX", color=1)
        hidden_project = make_project(name=f"{mark} hidden project")
        self.project = make_project(name=f"{SHARED} project", department=department)
        owner = make_person(name=f"{mark} Owner", email=f"{mark}-owner@works.example")
        self.task = make_task(
            title=f"{SHARED} task", project=self.project, assignees=[owner], department=department,
            tags=[f"{mark} tag"], source=f"{mark} source",
        )  # fmt: skip
        self.single = make_task(title=f"{SHARED} single task", project=hidden_project, parent=self.task)
        self.hidden = make_task(
            title=f"{mark} hidden task", project=hidden_project, depends_on=[self.task], key_prefix="ZQHIDDEN"
        )
        self.hidden_milestone = Milestone.objects.create(
            project=hidden_project, name=f"{mark} hidden milestone"
        )
        self.milestone = Milestone.objects.create(project=self.project, name=f"{SHARED} milestone")
        share(thing=self.project, holder=guest.user, codes=LEVELS["edit"], actor=manager)
        share(thing=self.single, holder=guest.user, codes=LEVELS["edit"], actor=manager)
        add_comment(task=self.task, body=f"{mark} between us", actor=inside)
        move_task(task=self.task, status="in_progress", actor=inside)
        self.inside = request_approval(
            subject=self.task, text=f"{mark} for us", approvers=[self.colleague.user], actor=inside
        )
        self.client = actor_for(User.objects.get(pk=guest.user_id))
        self.approval = request_approval(
            subject=self.milestone, text=f"{SHARED}?", approvers=[guest.user], actor=manager
        )
        self.secrets = [
            mark, str(self.hidden.pk), self.hidden.key, str(self.inside.pk), str(hidden_project.pk), str(owner.pk),
            str(self.colleague.user_id), self.colleague.user.email, str(inside.user_id), str(department.pk),
        ]  # fmt: skip

    def hidden_in(self, body: str) -> str:
        """What of the hidden things stands in an answer, "" for nothing."""
        text = body.lower()
        return next((each for each in self.secrets if each.lower() in text), "")


@pytest.fixture
def planted(tenant: TenantRef, manager: UserActor, guest: UserActor) -> Planted:
    return Planted(tenant, manager, guest)


@pytest.fixture
def visitor(host: str, planted: Planted) -> Client:
    client = signed_in_client(host, planted.client)
    client.raise_request_exception = False
    return client


def addresses(route: Route, planted: Planted) -> Iterator[str]:
    """The route's address for what is shared, for what is hidden, and for the rest of the filled company."""
    shared = {
        "key": [planted.task.key, planted.hidden.key, planted.single.key, str(planted.hidden.pk)],
        "project_id": [str(planted.project.pk), str(planted.hidden.project_id)],
        "milestone_id": [str(planted.milestone.pk), str(planted.hidden_milestone.pk)],
        "approval_id": [str(planted.approval.pk), str(planted.inside.pk)],
        "user_id": [str(planted.client.user_id), str(planted.colleague.user_id)],
        "id": [
            str(each.pk)
            for each in (planted.approval, planted.inside, planted.project, planted.hidden, planted.task)
        ],
        "status": ["planned"], "facet": ["assignee", "project", "department"], "token": ["none"], "slug": ["north"],
        "digest": ["none"], "uidb36": ["1"], "version": ["1"], "kind": ["md"], "connector": ["notion"],
    }  # fmt: skip
    others = [str(pk) for pk in planted.canary.ids.values()][:3]
    words = {name: shared.get(name, others) for name in route.arguments}
    tried = max((len(found) for found in words.values()), default=1)
    # What is not theirs is turned away before it is looked at: one of each kind is enough there.
    for number in range(tried if route.name in OWN else min(tried, 2)):
        try:
            yield reverse(
                route.name, kwargs={name: found[number % len(found)] for name, found in words.items()}
            )
        except NoReverseMatch:
            continue


def bodies(planted: Planted) -> dict[str, Any]:
    return {"body": "Hello", "answer": "approved", "note": "", "q": "zq", "action": "archive"}


def answers(visitor: Client, planted: Planted) -> Iterator[tuple[Route, str, str, Any]]:
    for route in ROUTES:
        for method in route.methods:
            for address in addresses(route, planted):
                cookies = {name: morsel.value for name, morsel in visitor.cookies.items()}
                with atomic():
                    body = bodies(planted) if method != "GET" and route.door != "api" else None
                    options: dict[str, Any] = {"data": body} if body else {}
                    if route.door == "api":
                        options["content_type"] = "application/json"
                    answer = getattr(visitor, method.lower())(address, **options)
                    if answer.streaming:
                        answer.content = b"".join(answer.streaming_content)
                    transaction.set_rollback(True, using=current_alias())
                visitor.cookies.load(cookies)
                yield route, method, address, answer


def test_nothing_but_their_own_answers_a_client_and_nothing_hidden_is_in_it(
    planted: Planted, visitor: Client
) -> None:
    assert is_client(planted.client)
    wrong, seen = [], 0
    for route, method, address, answer in answers(visitor, planted):
        body = answer.content.decode(errors="replace")
        seen += 1
        is_public = route.methods[method] == "public"
        if answer.status_code >= 500:
            wrong.append(f"{method} {address}: {answer.status_code}")
        elif route.name not in OWN and not is_public and answer.status_code != 404:
            wrong.append(f"{method} {address} ({route.name}): {answer.status_code}")
        told = planted.hidden_in(body + str(answer.headers))
        # What was asked for may be said back in a refusal's address.
        if told and not is_public and told.lower() not in address.lower():
            wrong.append(f"{method} {address} ({route.name}) tells {told}")
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert seen > len(ROUTES)


def test_what_is_shared_is_seen(planted: Planted, visitor: Client) -> None:
    """The test above would pass on an empty portal."""
    pages = {
        "/portal/": f"{SHARED} single task",
        f"/portal/projects/{planted.project.pk}/": f"{SHARED} milestone",
        f"/portal/tasks/{planted.task.key}/": f"{SHARED} task",
        f"/portal/approvals/{planted.approval.pk}/": f"{SHARED}?",
        "/api/v1/approvals/": str(planted.approval.pk),
    }
    for address, word in pages.items():
        assert word in visitor.get(address).content.decode(), address


def test_a_token_of_somebody_who_became_a_client_opens_nothing(
    tenant: TenantRef, host: str, planted: Planted
) -> None:
    actor = planted.colleague
    token = create_api_token(actor=actor, name="Old", scopes=sorted(actor.codes)).token.reveal()
    program = Client(headers={"host": host, "authorization": f"Bearer {token}"})
    assert program.get("/api/v1/tasks/").status_code == 200
    actor.user.role_bindings.update(role=Role.GUEST)
    for address in ("/api/v1/tasks/", "/api/v1/projects/", f"/api/v1/tasks/{planted.hidden.key}/"):
        answer = program.get(address)
        assert answer.status_code == 404, address
        assert not planted.hidden_in(re.sub(re.escape(address), "", answer.content.decode()))


def test_nothing_is_hidden_but_by_what_is_shared(planted: Planted) -> None:
    assert Project.objects.filter(name__startswith=SHARED).count() == 1
    assert Task.objects.filter(title__icontains=planted.canary.mark).count() >= 1
