"""Two invented companies and the operators' tenant, brought in through the services everybody uses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import structlog

from integrations.demo.workspaces import SEED, WorkspaceFile
from integrations.models import Connection, FieldMapping, SyncedCollection, SyncRun
from integrations.sandbox.notion.content.grammar import company_named
from integrations.sandbox.notion.content.plot import cast_of
from integrations.services import connect_workspace, start_sync_run
from integrations.sync.services import (
    confirm_mapping,
    confirm_proposals,
    current_choices,
    discover_collections,
)
from tenants.accounts.access import SYSTEM, Actor, Role
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import create_user
from tenants.foundation.errors import Conflict
from tenants.lifecycle.onboarding import lacks_owner, onboard_tenant
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)

_ROLES = (
    Role.OWNER, Role.ADMIN, Role.MANAGER, Role.MEMBER, Role.GUEST, Role.SECURITY, Role.AUDITOR,
)  # fmt: skip
# Calls a minute that Notion allows on the larger plans; the connector assumes the smallest.
_PLAN_BUDGETS = {"business": 600, "enterprise": 600}
FIRST_TASKS = {"acme": "Company tasks", "globex": "Work items"}
"""The database in which tasks that are made in the console get a row."""
_WORDS = (
    "anvil",
    "brook",
    "cobalt",
    "ember",
    "fjord",
    "lantern",
    "meadow",
    "otter",
    "quartz",
    "sparrow",
    "walnut",
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who can sign in: where, as what, and with which address; the password is the same for all."""

    company: str
    address: str
    role: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """How an invented company is taken in."""

    slug: str
    name: str
    language: str
    time_zone: str
    brand_color: str
    people: tuple[tuple[str, str], ...]
    """Name and e-mail address of those who sign in, one for each role from the owner down."""


def demo_companies() -> list[DemoCompany]:
    """Return Acme and Globex; who signs in there also has tasks in Notion, under the same address."""
    return [
        DemoCompany("acme", "Acme", "en", "Europe/Berlin", "#c2410c", _people("acme")),
        DemoCompany("globex", "Globex", "en", "Europe/Madrid", "#0e7490", _people("globex")),
    ]


def platform_company() -> DemoCompany:
    """Return the tenant of those who run the service."""
    operator = ("Olive Switchboard", "operator@platform.example")
    return DemoCompany(PLATFORM_SLUG, "Platform", "en", "UTC", "#5b5bd6", (operator,))


def _people(key: str) -> tuple[tuple[str, str], ...]:
    members = cast_of(company_named(key), SEED).members
    return tuple((member.name, member.email or "") for member in members[: len(_ROLES)])


def demo_password(path: Path) -> str:
    """Return the password of everybody in the demo: made up once and kept in a file only its owner reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        words = "-".join(secrets.choice(_WORDS) for _ in range(3))
        path.touch(mode=0o600)
        path.write_text(f"{words}-{secrets.randbelow(9000) + 1000}", encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def ensure_company(company: DemoCompany, password: str) -> tuple[TenantRef, list[SignIn]]:
    """Take a company in with a person for each role, unless it is there; repeats what was cut short.

    Raises: InvalidInput, Conflict.
    """
    tenant = Tenant.objects.filter(slug=company.slug).first()
    if tenant is None or tenant.state == Tenant.State.PROVISIONING or lacks_owner(tenant):
        name, email = company.people[0]
        ref = onboard_tenant(
            slug=company.slug,
            name=company.name,
            owner_email=email,
            owner_name=name,
            owner_password=password,
            language=company.language,
            time_zone=company.time_zone,
            brand_color=company.brand_color,
        ).tenant
    else:
        ref = tenant.ref
    with tenant_scope(ref):
        people = list(zip(_ROLES, company.people, strict=False))
        for role, (name, email) in people:
            _ensure_user(email, name, role, password)
    address = address_of(company.slug)
    return ref, [SignIn(company.name, address, role.value, name, email) for role, (name, email) in people]


@atomic
def _ensure_user(email: str, name: str, role: Role, password: str) -> None:
    user = User.objects.filter(email=email).first()
    if user is None:
        create_user(email=email, name=name, role=role, password=password, actor=SYSTEM)
    elif not user.check_password(password):
        # The password file was removed: the people of the demo get the new one.
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])


@atomic
def owner_actor() -> Actor:
    """Return the first owner of the company whose scope is open."""
    return actor_for(User.objects.filter(role_bindings__role=Role.OWNER).earliest("role_bindings__id"))


def ensure_connections(ref: TenantRef, files: Sequence[WorkspaceFile]) -> list[UUID]:
    """Connect a company to its workspaces and start the first sync of those never read; returns their ids.

    Raises: InvalidInput (a token was refused), ExternalServiceError (the sandbox does not answer).
    """
    with tenant_scope(ref):
        actor = owner_actor()
        return [_ensure_connection(file, actor) for file in files if file.shape.company == ref.slug]


def _ensure_connection(file: WorkspaceFile, actor: Actor) -> UUID:
    with atomic():
        known = Connection.objects.present().filter(workspace_name=file.shape.name).first()
    connection = known or connect_workspace(
        token=file.token, actor=actor, requests_per_minute=_PLAN_BUDGETS.get(file.shape.plan, 0)
    )
    with atomic():
        is_confirmed = SyncedCollection.objects.filter(connection=connection).wanted().exists()
    if not is_confirmed:
        discover_collections(connection=connection, actor=actor)
        with atomic():
            _confirm(connection, file, actor)
    return connection.pk


def _confirm_way_back(collection: SyncedCollection, file: WorkspaceFile, actor: Actor) -> None:
    """Have somebody asked about titles both sides changed; new tasks go to the company's first database of tasks."""
    ask = FieldMapping.Policy.MANUAL
    confirm_mapping(
        collection=collection,
        choices=[
            replace(choice, policy=ask) if choice.our_field == "title" else choice
            for choice in current_choices(collection)
        ],
        actor=actor,
        role=collection.role,
        department_name=collection.department_name,
        start=False,
        takes_new_tasks=collection.title == FIRST_TASKS.get(file.shape.company),
        trashes_records=True,
    )


def _confirm(connection: Connection, file: WorkspaceFile, actor: Actor) -> None:
    """Confirm what was proposed as an administrator would, who knows which database holds projects."""
    projects = SyncedCollection.objects.filter(connection=connection, title=file.shape.projects.title)
    for collection in projects.prefetch_related("mappings"):
        confirm_mapping(
            collection=collection,
            choices=[choice for choice in current_choices(collection) if choice.our_field != "project"],
            actor=actor,
            role=SyncedCollection.Role.PROJECTS,
            start=False,
        )
    tasks = confirm_proposals(connection=connection, actor=actor, start=False)
    for collection in tasks:
        _confirm_way_back(collection, file, actor)
    try:
        start_sync_run(connection=connection, actor=actor, trigger=SyncRun.Trigger.CONNECT)
    except Conflict as conflict:
        # A poll may have begun to read what was just switched on.
        log.info("demo.sync_under_way", connection_id=connection.pk, reason=conflict.code)
