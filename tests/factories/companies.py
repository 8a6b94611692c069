"""A company with a little of everything in it, awkward values among them, really committed."""

from datetime import date

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections

from integrations.models import Connection, SyncedCollection, SyncRun
from tasks.commenting import add_comment
from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.store import SessionStore
from tenants.accounts.tokens.services import create_api_token
from tenants.secrets.services import store_secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tests.factories.tasks import make_department, make_person, make_project, make_task

TOKEN = "ntn_a_token_that_nobody_may_read_anywhere"
AWKWARD = (
    '=HYPERLINK("https://example.com")',
    'two\nlines, "quoted"; \\N',
    "\u2028 \U0001f600 \x01 \x02 ü",
    "",
)

FILES = {"plan.txt": b"A plan.", "notes/2026/bücher.bin": bytes(range(256)) * 2000}


def furnish(tenant: TenantRef) -> None:
    """Put tasks, people, a workspace, keys, a session, an invitation and files' worth of odd text into a company."""
    with tenant_scope(tenant), atomic():
        owner = actor_for(User.objects.get(email=f"owner@{tenant.slug}.example"))
        department, person = make_department(), make_person(name="+49 30 Example")
        project = make_project(department=department, lead=person)
        first = make_task(
            title=AWKWARD[0], description=AWKWARD[1], assignees=[person], tags=["a,b", 'c"d', "-1"]
        )
        make_task(
            title=AWKWARD[2], project=project, depends_on=[first], parent=first, estimate_hours="1234.50"
        )
        make_task(title="-2+3", description=AWKWARD[3], due_on=date(2026, 3, 1), status="done")
        add_comment(task=first, body="@everybody", actor=owner)
        connection = Connection.objects.create(
            connector="notion", name="Wiki", account_id="a", workspace_id="w", workspace_name="\tWiki"
        )
        connection.token_secret = store_secret(
            name="token",
            owner_table="integrations_connection",
            owner_id=connection.pk,
            value=TOKEN,
            actor=SYSTEM,
        )
        connection.save()
        SyncedCollection.objects.create(
            connection=connection,
            remote_id="c",
            title="Tasks",
            schema=[{"id": "x", "big": 2**60, "part": 0.1}],
        )
        SyncRun.objects.create(connection=connection, kind="poll", trigger="schedule")
        invite_user(email="ina@example.com", role=Role.MEMBER, actor=SYSTEM)
        create_api_token(actor=owner, name="Script", scopes=["tasks.view"])
        for name, content in FILES.items():
            default_storage.save(name, ContentFile(content))
        session = SessionStore()
        session["somebody"] = "is signed in"
        session.save()
    connections.close_all()


def rows_of(tenant: TenantRef) -> dict[str, str]:
    """A hash over all rows of each table of a company's schema, whatever is in it; equal rows, equal hashes."""
    with owner_connection(f"{tenant.cell}_owner") as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY 1",
            [tenant.schema],
        ).fetchall()
        return {
            str(name): str(
                connection.execute(
                    f"SELECT count(*) || ':' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '')"
                    f' FROM "{tenant.schema}"."{name}" r'
                ).fetchone()[0]  # type: ignore[index]
            )
            for (name,) in names
        }
