"""One of each thing a route may name, made for a company; and what waits for somebody's word there."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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
from tenants.accounts.sessions.policy import FEWER_PEOPLE, LOOSER_RULES
from tenants.accounts.tokens.service_accounts import create_service_account
from tenants.models import CustomDomain, Operation, OperatorGrant
from tenants.tenancy import TenantRef, atomic
from tests.architecture.routes import Route
from tests.people import person

# Only whoever asked for it takes it back.
OF_ONES_OWN = {
    "approval-withdraw", "tasks:withdraw_approval", "proposed-change-withdraw", "accounts:withdraw_change"
}  # fmt: skip


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
