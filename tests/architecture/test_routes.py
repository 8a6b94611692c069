"""Every route as a stranger, as another company's user, with too small a role, and with another company's ids."""

import re
import tomllib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from integrations.bootstrap.planning import plan_setup
from integrations.describing.services import describe_workspace
from integrations.models import (
    Conflict,
    Connection,
    ExternalLink,
    Push,
    SyncedCollection,
    SyncRun,
    WorkspaceSetup,
)
from tasks.models import ApprovalApprover, ApprovalRequest, Milestone, Project, Task
from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import (
    CustomRole,
    EmailDomain,
    Group,
    IdentityProvider,
    ProposedChange,
    RoleBinding,
    ScimDirectory,
    User,
)
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.policy import FEWER_PEOPLE, LOOSER_RULES
from tenants.accounts.tokens.service_accounts import create_service_account
from tenants.models import CustomDomain, Domain, Operation, OperatorGrant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.transactions import current_alias
from tests.people import person, signed_in_client

TABLE = tomllib.loads(Path(__file__).with_name("routes.toml").read_text())
ROLES = list(Role)
BESIDE = {Role.SECURITY, Role.AUDITOR}
# What has to be well formed before a route looks at whom or what it is about.
BODIES = {
    "integrations:workspace_act": {"action": "pause"},
    "connection-token": {"token": "ntn_nobody"},
    "support-access-approve": {"role": "read_only", "minutes": 30},
    "user-role": {"role": "member"},
    "service-account-tokens": {"name": "Nobody's", "scopes": ["accounts.view_users"]},
}
OF_ONES_OWN = {
    "approval-withdraw", "tasks:withdraw_approval", "proposed-change-withdraw", "accounts:withdraw_change"
}  # fmt: skip
# Statuses that say "not you": a page or problem that denies, or that there is no such thing for this person.
DENIED = {401, 403, 404}


@dataclass(frozen=True)
class Route:
    """One route of the table with the names of its arguments."""

    name: str
    door: str
    arguments: tuple[str, ...]
    methods: dict[str, str]


def door_of(path: str) -> str:
    """Which door an address belongs to."""
    return next((door for door in ("api", "scim") if path.startswith(f"{door}/")), "console")


def routes_of_the_product() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(name, door, argument names) of every route the resolver knows."""

    def walk(
        patterns: list[URLPattern | URLResolver], prefix: str, space: str, names: tuple[str, ...]
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for entry in patterns:
            found = (*names, *entry.pattern.regex.groupindex)
            text = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                yield from walk(entry.url_patterns, text, inner, found)
            else:
                yield f"{space}{entry.name}", door_of(text), found

    yield from walk(get_resolver().url_patterns, "", "", ())


KNOWN = {name: (door, arguments) for name, door, arguments in routes_of_the_product()}
ROUTES = [
    Route(name, door, KNOWN[name][1], methods)
    for door in ("api", "console")
    for name, methods in TABLE[door].items()
    if name in KNOWN
]
CASES = [(route, method) for route in ROUTES for method in route.methods]


def test_the_table_lists_every_route_and_nothing_else() -> None:
    listed = {name: door for door in ("api", "console", "scim") for name in TABLE[door]}
    assert {name: door for name, (door, _arguments) in KNOWN.items()} == listed


@dataclass(frozen=True)
class Things:
    """One of each thing a route may name, of one company."""

    ids: dict[str, Any]

    def arguments_for(self, route: Route) -> dict[str, Any]:
        values = dict(self.ids)
        if route.door == "api":
            noun = route.name.partition("-")[0] if not route.name.startswith("sync-run") else "sync-run"
            values["id"] = self.ids.get({
                "project": "project_id", "milestone": "milestone_id", "role": "role_id", "group": "group_id",
                "connection": "connection_id", "collection": "collection_id",
                "sync-run": "run_id", "export": "export_id", "setup": "setup_id", "conflict": "conflict_id",
                "user": "user_id", "push": "push_id", "identity": "provider_id", "email": "domain_id",
                "scim": "directory_id",
                "domain": "custom_domain_id", "support": "grant_id", "operator": "grant_id",
            }.get(noun, ""), uuid.uuid4())  # fmt: skip
        if route.name.startswith("service-account"):
            values["id"] = self.ids["program_id"]
        if route.name == "user-sign-in-detail":
            values["id"] = uuid.uuid4()
        if route.name == "role-binding-detail":
            values["id"] = self.ids["binding_id"]
        if route.name in OF_ONES_OWN:
            # Only whoever asked for it takes it back.
            values |= {"approval_id": self.ids["own_approval_id"], "change_id": self.ids["own_change_id"]}
        if route.door == "api" and route.name.startswith(("approval", "proposed-change")):
            values["id"] = values["approval_id" if route.name.startswith("approval") else "change_id"]
        if route.name == "accounts:accept_invitation":
            values["token"] = "nts_invite_nobody"
        # An id nobody has stands for what this test makes none of.
        return {name: values.get(name) or uuid.uuid4() for name in route.arguments}


def things_of(tenant: TenantRef) -> Things:
    """Make one of each in the open scope."""
    with atomic():
        owner = User.objects.get(email=f"owner@{tenant.slug}.example")
        project = Project.objects.create(name=f"Canary {tenant.slug}", key="CAN")
        milestone = Milestone.objects.create(project=project, name=f"Canary {tenant.slug}")
        task = Task.objects.create(
            title=f"Canary of {tenant.slug}", key=f"CAN{tenant.slug[0].upper()}-1", number=1
        )
        connection = Connection.objects.create(
            connector="notion", name=f"Canary {tenant.slug}", account_id=str(uuid.uuid4()), workspace_id="w"
        )
        collection = SyncedCollection.objects.create(
            connection=connection, remote_id="c", title="Canary", is_enabled=True
        )
        run = SyncRun.objects.create(
            connection=connection, kind="poll", trigger="schedule", state=SyncRun.State.SUCCEEDED
        )
        link = ExternalLink.objects.create(
            connection=connection, collection=collection, remote_id="r", task=task
        )
        conflict = Conflict.objects.create(
            connection=connection, link=link, task=task, our_field="title", local=f"Canary of {tenant.slug}"
        )
        push = Push.objects.create(
            connection=connection, collection=collection, link=link, task=task, state=Push.State.PARKED
        )
        describe_workspace(connection=connection, actor=SYSTEM)
        plan = {"databases": {item.key: item.as_json() for item in plan_setup([])}}
        setup = WorkspaceSetup.objects.create(
            connection=connection, plan=plan, state=WorkspaceSetup.State.DONE
        )
        provider = IdentityProvider.objects.create(
            name=f"Canary of {tenant.slug}", kind="saml", preset="saml", issuer="https://idp.example/"
        )
        domain = EmailDomain.objects.create(domain=f"{tenant.slug}.example", nonce="n")
        name = f"{tenant.slug}.example.com"
        claimed = CustomDomain.objects.create(tenant_id=tenant.id, host=name, skeleton=name, nonce="n")
        grant = OperatorGrant.objects.create(
            tenant_id=tenant.id, operator_id=uuid.uuid4(), operator_name="Canary", operator_email="c@ops.example",
            reason="Canary", wanted_role="read_only", wanted_minutes=60,
        )  # fmt: skip
        invited = invite_user(email="canary@example.com", role=Role.MEMBER, actor=SYSTEM)
        other = person(tenant, Role.MEMBER, f"Canary Person {tenant.slug}")
        role = CustomRole.objects.create(name="Canary", codes=["tasks.view"])
        group = Group.objects.create(name="Canary")
        directory = ScimDirectory.objects.create(name=f"Canary {tenant.slug}")
        binding = RoleBinding.objects.create(group=group, role=Role.GUEST)
        program = create_service_account(name="Canary", role=Role.MEMBER, actor=SYSTEM)
        waiting = waiting_for(other.user, owner, task)
    export = Operation.objects.create(
        kind=Operation.Kind.EXPORT, tenant_id=tenant.id, tenant_slug=tenant.slug, state=Operation.State.SUCCEEDED
    )  # fmt: skip
    return Things(
        {
            "key": task.key, "status": "planned", "facet": "status", "token": "none", "project_id": project.pk,
            "user_id": other.user.pk, "invitation_id": invited.invitation.pk, "token_id": uuid.uuid4(),
            "connection_id": connection.pk, "collection_id": collection.pk, "run_id": run.pk,
            "slug": tenant.slug, "digest": "none", "size": "full", "slot": "light", "uidb36": "1",
            "owner_id": owner.pk, "company_id": tenant.id,
            "operation_id": uuid.uuid4(), "cell": tenant.cell, "item_id": uuid.uuid4(), "export_id": export.pk,
            "evidence_id": uuid.uuid4(), "connector": "notion", "version": 1, "kind": "md",
            "milestone_id": milestone.pk,
            "setup_id": setup.pk, "conflict_id": conflict.pk,
            "push_id": push.pk,
            "role_id": role.pk, "group_id": group.pk, "binding_id": binding.pk, "program_id": program.pk,
            "directory_id": directory.pk,
            "provider_id": provider.pk, "domain_id": domain.pk,
            "custom_domain_id": claimed.pk, "grant_id": grant.pk, "task_id": task.pk, **waiting,
        }
    )  # fmt: skip


def waiting_for(user: User, other: User, task: Task) -> dict[str, Any]:
    """What waits for somebody's word, asked by another, and what they asked for themselves."""
    now = timezone.now()
    made: dict[str, Any] = {}
    for own, asker, kind in (("", other, LOOSER_RULES), ("own_", user, FEWER_PEOPLE)):
        approval = ApprovalRequest.objects.create(
            task=task, text="Canary", asked_by=asker, asked_by_name="Canary Person"
        )
        ApprovalApprover.objects.create(request=approval, user=other if own else user)
        change = ProposedChange.objects.create(
            kind=kind.key, target_id=uuid.uuid4(), target_name="Canary of rules", fingerprint="none", proposed_by=asker,
            proposed_at=now, expires_at=now + timedelta(days=1),
        )  # fmt: skip
        made |= {f"{own}approval_id": approval.pk, f"{own}change_id": change.pk}
    return made


def in_the_hands_of(actor: UserActor, things: Things) -> Things:
    """The same things, but what waits for an answer waits for this one's."""
    with atomic():
        ApprovalRequest.objects.filter(text="Canary").delete()
        ProposedChange.objects.filter(target_name="Canary of rules").delete()
        owner = User.objects.get(pk=things.ids["owner_id"])
        asker = owner if actor.user_id != owner.pk else User.objects.get(pk=things.ids["user_id"])
        return Things(things.ids | waiting_for(actor.user, asker, Task.objects.get(pk=things.ids["task_id"])))


@pytest.fixture
def things(tenant: TenantRef) -> Things:
    return things_of(tenant)


@pytest.fixture
def foreign_things(other_tenant: TenantRef) -> Things:
    with tenant_scope(other_tenant):
        return things_of(other_tenant)


def address_of(route: Route, things: Things) -> str:
    """The route's address with these things in it."""
    arguments = things.arguments_for(route)
    if route.name == "account_reset_password_from_key":
        arguments["key"] = "none"
    return reverse(route.name, kwargs=arguments)


def ask(client: Client, route: Route, method: str, things: Things) -> Any:
    """Send the request as its door wants it: JSON to the API, a form to the console."""
    address = address_of(route, things)
    options: dict[str, Any] = {"content_type": "application/json"} if route.door == "api" else {}
    if route.door == "api" and method == "POST":
        options["headers"] = {"Idempotency-Key": str(uuid.uuid4())}
    if route.name in BODIES:
        options["data"] = BODIES[route.name]
    answer = getattr(client, method.lower())(address, **options)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def is_sent_to_sign_in(response: Any) -> bool:
    return response.status_code == 302 and "/account/sign-in/" in response.headers.get("Location", "")


def may_enter(role: Role, route: Route, method: str, lowest: str) -> bool:
    """What the table says: from the lowest role on the ladder up; who stands beside it is named one by one."""
    if lowest in {"public", "guest"}:
        return True
    if role in BESIDE:
        named = TABLE["beside"].get(route.name)
        if named is not None:
            return role.value in named.get(method, [])
        return role is Role.AUDITOR and (method, lowest) == ("GET", "member")
    return lowest != "operator" and role.includes(Role(lowest))


def answers(
    client: Client, things: Things, *, only: Callable[[Route, str], bool] = lambda _route, _method: True
) -> Iterator[tuple[Route, str, str, Any]]:
    """(route, method, lowest role, answer) of every case; what a request changed is undone before the next."""
    for route, method in CASES:
        if not only(route, method):
            continue
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        with atomic():
            answer = ask(client, route, method, things)
            transaction.set_rollback(True, using=current_alias())
        client.cookies.load(cookies)  # signing out is undone too
        yield route, method, route.methods[method], answer


def is_turned_away(route: Route, answer: Any) -> bool:
    """Whether a stranger was told to sign in, the way the door says it."""
    if route.door == "api":
        return bool(
            answer.status_code == 401
            and answer.headers["Content-Type"].startswith("application/problem+json")
        )
    return is_sent_to_sign_in(answer)


def test_a_stranger_gets_in_nowhere_but_where_the_table_says(things: Things, stranger: Client) -> None:
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(stranger, things)
        if is_turned_away(route, answer) is (lowest == "public") or answer.status_code >= 500
    ]
    assert wrong == []


def test_another_companys_user_is_a_stranger_here(
    things: Things, tenant: TenantRef, host: str, other_tenant: TenantRef
) -> None:
    with tenant_scope(other_tenant):
        theirs = Domain.objects.get(tenant_id=other_tenant.id).host
        owner = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        client = signed_in_client(theirs, owner)
    client.defaults["HTTP_HOST"] = host
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(client, things)
        if lowest != "public" and not is_turned_away(route, answer)
    ]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_in_where_the_table_says_and_nowhere_else(
    role: Role, things: Things, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    actor = owner if role is Role.OWNER else person(tenant, role, f"{role.label} Route-Example")
    wrong = []
    theirs = in_the_hands_of(actor, things)
    for route, method, lowest, answer in answers(signed_in_client(host, actor), theirs):
        may = may_enter(role, route, method, lowest)
        is_refused = answer.status_code in {401, 403} or is_sent_to_sign_in(answer)
        is_in = not is_refused and answer.status_code != 500
        is_kept_out = answer.status_code in DENIED
        if not (is_in if may else is_kept_out):
            wrong.append((route.name, method, lowest, answer.status_code))
    assert wrong == []


def test_another_companys_ids_are_nothing_here(
    foreign_things: Things, tenant: TenantRef, host: str, owner: UserActor
) -> None:
    naming = {
        "key",
        "project_id",
        "milestone_id",
        "user_id",
        "invitation_id",
        "connection_id",
        "collection_id",
        "run_id",
        "export_id",
        "conflict_id",
        "push_id",
        "provider_id",
        "approval_id",
        "change_id",
        "id",
    }
    wrong = [
        (route.name, method, answer.status_code)
        for route, method, lowest, answer in answers(signed_in_client(host, owner), foreign_things)
        if naming & set(route.arguments) and lowest != "public"
        # A colleague is led to their own page of an approval, which is looked up there.
        if route.name != "portal:approval"
        if answer.status_code != 404 or b"Canary" in answer.content
    ]
    assert not wrong, wrong


def test_a_role_below_reads_no_name_of_a_hidden_thing(
    things: Things, tenant: TenantRef, host: str, guest: UserActor
) -> None:
    client = signed_in_client(host, guest)
    for route in ROUTES:
        if route.methods.get("GET") in {"member", "manager", "admin"}:
            body = ask(client, route, "GET", things).content
            assert not re.search(rb"Canary of|Canary north", body), route.name
