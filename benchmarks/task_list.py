"""The task list of a company with 100,000 tasks: each offered filter by each sort, first page and a deep one.

Times are taken around the selector (ORM, driver and server, two statements a page), after an unmeasured run;
boards, counts and filter offers are timed on their own. Statements a page are counted around whole requests,
sign-in and permissions included.
"""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone
from psycopg import sql

from benchmarks.results import milliseconds, percentile, save
from tasks.board import board_columns
from tasks.facets import FACETS, facet_options
from tasks.filters import Archived, Due, Order, Sort, TaskFilters
from tasks.models import Person, Project, Task
from tasks.narrowing import SORT_COLUMNS, Viewpoint
from tasks.selectors import count_up_to, filtered_tasks, found_tasks, task_page
from tenants.accounts.access import SYSTEM
from tenants.accounts.models import Department, User
from tenants.foundation.keyset import Cursor, Direction
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema

TASKS = 100_000
ROUNDS = 3
ORDERS = [Order(sort, descending) for sort in Sort for descending in (False, True)]

FILL = [
    "INSERT INTO accounts_department (id, name, key, color, created_at) "
    "SELECT uuidv7(), 'Department ' || i, 'D' || i, 1 + i % 6, now() FROM generate_series(1, 6) i",
    "INSERT INTO tasks_project (id, key, name, description, status, created_at, updated_at) "
    "SELECT uuidv7(), 'P' || i, 'Project ' || i, '', 'active', now(), now() FROM generate_series(1, 40) i",
    "INSERT INTO tasks_person (id, name, email, avatar_url, refs, is_active, created_at, updated_at) "
    "SELECT uuidv7(), 'Person ' || i, 'p' || i || '@bench.example', '', '{}', true, now(), now() "
    "FROM generate_series(1, 200) i",
    """
    WITH d AS (SELECT array_agg(id) AS a FROM accounts_department),
         p AS (SELECT array_agg(id) AS a FROM tasks_project)
    INSERT INTO tasks_task (
        id, key_prefix, number, project_id, department_id, title, description, status, priority, due_on, tags,
        source, source_url, completed_at, archived_at, created_at, updated_at)
    SELECT uuidv7(), 'TASK', i,
        CASE WHEN h %% 10 < 8 THEN p.a[1 + (power((h %% 1000) / 1000.0, 2) * 40)::int %% 40] END,
        CASE WHEN h %% 20 < 19 THEN d.a[1 + (h / 7) %% 6] END,
        (ARRAY['Confirm','Review','Order','Replace','Inspect','Draft','Approve','Migrate','Schedule','Close']
            )[1 + h %% 10] || ' ' ||
        (ARRAY['crane hire','supplier invoice','grid agreement','file share','salary run','safety training',
               'turbine blade','laptop order','contract','budget'])[1 + (h / 11) %% 10] || ' ' ||
        (ARRAY['north','south','phase two','Kvitsøy','Q1','cohort','parcel','renewal']
            )[1 + (h / 13) %% 8] || ' ' || i,
        repeat('Text of the task, a few sentences long. ', 10), s, (h / 17) %% 5,
        CASE WHEN h %% 4 < 3 THEN current_date + ((h / 19) %% 400)::int - 250 END,
        ARRAY[(ARRAY['site','legal','urgent-fix','budget','paper','safety'])[1 + (h / 23) %% 6],
              't' || (h / 29) %% 300],
        'Workspace ' || (h / 31) %% 4, 'https://bench.example/' || i,
        CASE WHEN s = 'done' THEN now() - ((h / 37) %% 200) * interval '1 day' END,
        CASE WHEN (h / 41) %% 20 = 0 THEN now() END,
        now() - ((h / 43) %% 300) * interval '1 day', now() - ((h / 47) %% 8640000) * interval '1 second'
    FROM (SELECT i, abs(hashint4(i)::bigint) * 7919 %% 1000000007 AS h FROM generate_series(1, %s) i) r, d, p,
        LATERAL (SELECT (ARRAY['planned','planned','in_progress','blocked','in_review','done','done','done',
                               'done','cancelled'])[1 + (h / 53) %% 10] AS s) q
    """,
    """
    WITH p AS (SELECT array_agg(id) AS a FROM tasks_person)
    INSERT INTO tasks_taskassignee (task_id, person_id, created_at)
    SELECT DISTINCT t.id, p.a[1 + abs(hashint4(t.number + n * 31)) %% 200], now()
    FROM tasks_task t, p, generate_series(1, 2) n
    WHERE t.number %% 10 < (CASE n WHEN 1 THEN 8 ELSE 2 END) AND %s > 0
    """,
    "INSERT INTO tasks_taskdependency (task_id, depends_on_id, created_at) SELECT a.id, b.id, now() "
    "FROM tasks_task a JOIN tasks_task b ON b.number = a.number - 7 WHERE a.number %% 5 = 0 AND %s > 0",
]


def main() -> None:
    prepare()
    company = make_company()
    try:
        with tenant_scope(company.ref):
            fill(company)
            figures = measure(company.ref)
    finally:
        drop_schema(company)
        company.delete()
    path = save("task_list", (__doc__ or "").strip(), figures)
    pages = figures["pages"]
    print(
        f"{pages['measured']} pages: p50 {pages['p50_ms']} ms, p95 {pages['p95_ms']} ms (≤ 100), "
        f"slowest {pages['slowest_ms']} ms ({pages['slowest'][0]['page']})"
    )
    for name, row in figures["requests"].items():
        print(f"{name}: {row['reads_and_writes']} statements a page (≤ 12)")
    print(f"→ {path.name}")


def make_company() -> Tenant:
    slug = f"bench-{secrets.token_hex(3)}"
    onboard_tenant(
        slug=slug, name="Bench", owner_email=f"o@{slug}.example", owner_name="Bench Owner",
        owner_password=secrets.token_urlsafe(16),
    )  # fmt: skip
    return Tenant.objects.get(slug=slug)


def fill(company: Tenant) -> None:
    """Fill the company's tables on the server, then let it count them as autovacuum would."""
    with atomic(), connections[company.ref.cell].cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, [TASKS] if "%s" in statement else None)
        Person.objects.filter(pk=Person.objects.first().pk).update(user=User.objects.first())  # type: ignore[union-attr]
    with owner_connection(f"{company.ref.cell}_owner") as connection:
        connection.autocommit = True
        for table in ("task", "taskassignee", "taskdependency", "person", "project"):
            name = sql.Identifier(company.ref.schema, f"tasks_{table}")
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(name))


def offered(today: Any) -> dict[str, TaskFilters]:
    """Every filter the list offers, common and rare values of it, and some together."""
    department, project = Department.objects.first(), Project.objects.first()
    person = Person.objects.filter(user__isnull=False).first()
    assert department
    assert project
    assert person
    values: dict[str, dict[str, Any]] = {
        "no filter": {},
        "status, common": {"statuses": ("done",)},
        "status, two": {"statuses": ("blocked", "in_review")},
        "priority": {"priorities": (4,)},
        "department": {"departments": (department.pk,)},
        "department, none": {"departments": ("none",)},
        "project": {"projects": (project.pk,)},
        "project, none": {"projects": ("none",)},
        "assignee": {"assignees": (person.pk,)},
        "assignee, me": {"assignees": ("me",)},
        "assignee, nobody": {"assignees": ("nobody",)},
        "assignee, one or nobody": {"assignees": (person.pk, "nobody")},
        "due, overdue": {"due": Due.OVERDUE},
        "due, today": {"due": Due.TODAY},
        "due, this week": {"due": Due.THIS_WEEK},
        "due, none": {"due": Due.NONE},
        "due, before": {"due_before": today + timedelta(days=20)},
        "due, after": {"due_after": today + timedelta(days=100)},
        "completed, after": {"completed_after": today - timedelta(days=7)},
        "completed, before": {"completed_before": today - timedelta(days=100)},
        "tag, common": {"tags": ("site",)},
        "tag, rare": {"tags": ("t17",)},
        "source": {"sources": ("Workspace 2",)},
        "search, common word": {"search": "crane"},
        "search, two words": {"search": "crane north"},
        "search, rare": {"search": "kvitsøy 4242"},
        "search, nothing": {"search": "zzzzqq"},
        "search, two letters": {"search": "zz"},
        "search, key": {"search": "TASK-777"},
        "archived only": {"archived": Archived.ONLY},
        "with archived": {"archived": Archived.ALL},
        "done in a department before today": {
            "statuses": ("done",), "departments": (department.pk,), "due_before": today,
        },
        "blocked, mine, tagged": {"statuses": ("blocked",), "assignees": ("me",), "tags": ("site",)},
        "urgent and overdue in a department": {
            "priorities": (4,), "due": Due.OVERDUE, "departments": (department.pk,),
        },
        "cancelled, due today": {"statuses": ("cancelled",), "due": Due.TODAY},
    }  # fmt: skip
    return {name: TaskFilters(**given) for name, given in values.items()}


def measure(ref: TenantRef) -> dict[str, Any]:
    """All figures of the file."""
    today = timezone.localdate()
    with atomic():
        user_id = User.objects.values_list("pk", flat=True).first()
        filters = offered(today)
        viewpoint = Viewpoint(user_id, today)
        pages = page_times(filters, viewpoint)
        others = other_times(filters, viewpoint)
    slow = sorted(pages, key=lambda pair: -pair[1])
    times = [seconds for _, seconds in pages]
    return {
        "tasks": TASKS,
        "pages": {
            "measured": len(pages),
            "p50_ms": milliseconds(percentile(times, 0.5)),
            "p95_ms": milliseconds(percentile(times, 0.95)),
            "slowest_ms": milliseconds(max(times)),
            "slowest": [{"page": name, "ms": milliseconds(seconds)} for name, seconds in slow[:10]],
        },
        "others": others,
        "requests": request_costs(ref),
    }


def page_times(filters: dict[str, TaskFilters], viewpoint: Viewpoint) -> list[tuple[str, float]]:
    """Best of three for each filter, order and place."""
    found: list[tuple[str, float]] = []
    for name, narrowed in filters.items():
        for order in ORDERS:
            ordered = narrowed.but(order=order)

            def page(cursor: str | None = None, chosen: TaskFilters = ordered) -> Any:
                return task_page(actor=SYSTEM, filters=chosen, cursor=cursor, viewpoint=viewpoint)

            found.append((f"{name}, by {order}, first", best_of(page)))
            deep = deep_cursor(ordered, viewpoint)
            if deep:
                found.append((f"{name}, by {order}, deep", best_of(lambda at=deep: page(at))))  # type: ignore[misc]
    return found


def deep_cursor(filters: TaskFilters, viewpoint: Viewpoint) -> str | None:
    """The cursor of a row far down the list."""
    tasks = filtered_tasks(actor=SYSTEM, filters=filters, viewpoint=viewpoint)
    total = count_up_to(tasks, 20_000).number
    if total < 200:
        return None
    return _cursor(tasks.order_by(*_order(filters))[total - 150], filters)


def _order(filters: TaskFilters) -> list[str]:
    sign = "-" if filters.order.is_descending else ""
    return [f"{sign}{SORT_COLUMNS[filters.order.by]}", f"{sign}pk"]


def _cursor(row: Task, filters: TaskFilters) -> str:
    value = getattr(row, SORT_COLUMNS[filters.order.by])
    return Cursor(str(filters.order), Direction.NEXT, value, str(row.pk)).encode()


def other_times(filters: dict[str, TaskFilters], viewpoint: Viewpoint) -> dict[str, dict[str, Any]]:
    """Boards, counts, filter offers and the palette."""
    groups: dict[str, list[tuple[str, float]]] = {"board": [], "count": [], "offer": [], "palette": []}
    for name, narrowed in filters.items():
        groups["board"].append(
            (name, best_of(lambda f=narrowed: board_columns(actor=SYSTEM, filters=f, viewpoint=viewpoint)))  # type: ignore[misc]
        )
        tasks = filtered_tasks(actor=SYSTEM, filters=narrowed, viewpoint=viewpoint)
        groups["count"].append((name, best_of(lambda t=tasks: count_up_to(t.all()))))  # type: ignore[misc]
    for facet in FACETS:
        groups["offer"].append(
            (
                facet,
                best_of(
                    lambda f=facet: facet_options(  # type: ignore[misc]
                        actor=SYSTEM, filters=TaskFilters(), facet=f, viewpoint=viewpoint
                    )
                ),
            )
        )
    for words in ("crane", "crane north 77", "TASK-77", "zzzzqq"):
        groups["palette"].append((words, best_of(lambda w=words: found_tasks(actor=SYSTEM, words=w))))  # type: ignore[misc]
    result: dict[str, dict[str, Any]] = {}
    for group, timed in groups.items():
        times = [seconds for _, seconds in timed]
        slowest = max(timed, key=lambda pair: pair[1])
        result[group] = {
            "p50_ms": milliseconds(percentile(times, 0.5)),
            "p95_ms": milliseconds(percentile(times, 0.95)),
            "slowest": slowest[0],
            "slowest_ms": milliseconds(slowest[1]),
        }
    return result


@override_settings(
    STORAGES={
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
)
def request_costs(ref: TenantRef) -> dict[str, dict[str, int]]:
    """Statements of whole requests, those that only set the scene (role, savepoints) counted apart."""
    client = Client(headers={"host": f"{ref.slug}.{settings.BASE_DOMAIN}"})
    with atomic():
        user = User.objects.get()
        client.force_login(user)
        department = Department.objects.first()
        person = Person.objects.filter(user=user).first()
        assert department
        assert person
        query = {"department": str(department.pk), "assignee": str(person.pk), "status": "planned"}
    costs: dict[str, dict[str, int]] = {}
    for name, path, given in (
        ("list", "/tasks/", {}),
        ("list, filtered", "/tasks/", query),
        ("board", "/tasks/board/", {}),
        ("board, filtered", "/tasks/board/", query),
        ("API list", "/api/v1/tasks/", query),
    ):
        client.get(path, given)
        with CaptureQueriesContext(connections[ref.cell]) as sent:
            answer = client.get(path, given)
        assert answer.status_code == 200, (path, answer.status_code)
        work = [q for q in sent if q["sql"].lstrip("(").startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]
        costs[name] = {"reads_and_writes": len(work), "all_statements": len(sent)}
    return costs


def best_of(ask: Callable[[], Any]) -> float:
    """The best of some runs in seconds, after an unmeasured one: the cost without the neighbours' noise."""
    ask()
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return min(times)
