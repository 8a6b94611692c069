"""Two filled companies: every route of one with the other's ids, in the address and in the body."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse
from drf_spectacular.generators import SchemaGenerator

from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Domain
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.transactions import current_alias
from tests.architecture.canary import Canary, is_text, rows_of, tenant_models
from tests.architecture.test_routes import ROUTES, Route
from tests.people import signed_in_client, token_client

# Arguments that name nothing a company has: a word of ours, a mark of a file, a secret that was handed out once.
NO_IDS = {
    "version": ["1"],
    "kind": ["md", "json", "invitation"],
    "status": ["planned"],
    "facet": ["status"],
    "digest": ["none"],
    "size": ["full"],
    "slot": ["light"],
    "token": [],
    "slug": [],
    "uidb36": [],
}
# How many ids of other kinds a route is tried with; the next route gets the next ones.
OTHERS = 6
NOTHING_HERE = {403, 404, 405, 422}
# Texts too short for the mark, and those that hold a word of ours.
UNMARKED = {
    "branding.Brand.color", "branding.BrandImage.digest", "branding.LetterText.kind", "branding.LetterText.language",
    "secrets.Secret.last4", "integrations.Connection.connector", "integrations.FieldMapping.our_field",
    "integrations.Conflict.our_field",
    "integrations.FieldMapping.remote_kind", "accounts.GroupRule.role", "accounts.ScimDirectory.default_role",
    "accounts.IdentityProvider.default_role",
    "accounts.IdentityProvider.test_grade",
}  # fmt: skip


@pytest.fixture
def mine(tenant: TenantRef, other_tenant: TenantRef) -> Canary:
    return Canary(tenant).fill()


@pytest.fixture
def theirs(mine: Canary, other_tenant: TenantRef) -> Canary:
    return Canary(other_tenant).fill()


@pytest.fixture
def asker(host: str, owner: UserActor) -> Client:
    """The owner of the one company, on its host."""
    client = signed_in_client(host, owner)
    client.raise_request_exception = False
    return client


def test_every_text_of_every_table_holds_the_mark(theirs: Canary) -> None:
    """A new table or column is filled by itself; where it cannot be, this test says its name."""
    texts = {
        f"{model._meta.label}.{part.name}"
        for model in tenant_models()
        for part in model._meta.local_concrete_fields
        if is_text(part)
    }
    forms = {
        "tasks.NumberSeries.prefix",
        "tasks.Project.key",
        "tasks.Task.key_prefix",
        "accounts.EmailDomain.domain",
    }
    assert texts - theirs.marked - forms == UNMARKED
    assert {model._meta.label for model in tenant_models()} <= set(theirs.rows)


def words_for(name: str, route: Route, canary: Canary) -> list[str]:
    """What the other company has that could stand for this argument."""
    task, project, user = (
        canary.rows["tasks.Task"],
        canary.rows["tasks.Project"],
        canary.rows["accounts.User"],
    )
    if name == "key" and not route.name.startswith("account_"):
        return [task.key, project.key, str(task.pk)]  # type: ignore[attr-defined]
    if name == "uidb36":
        return [user.pk.hex]
    if name == "slug":
        return [canary.tenant.slug]
    if name in ("token", "key"):
        return [canary.rows["accounts.ApiToken"].public_id.strip().replace(" ", "")]  # type: ignore[attr-defined]
    return NO_IDS.get(name) or [str(pk) for pk in ids_for(name, route, canary.ids)]


def ids_for(name: str, route: Route, ids: dict[str, UUID]) -> list[UUID]:
    """The ids of the rows this argument could mean and a few of others, in turn; of all where the names do not say.

    Every id at every route would be tens of thousands of requests, and an id of another kind is nobody's at home too.
    """
    said, stem = _letters(route.name), _letters(name.removesuffix("id"))
    kinds = {label: _letters(label.partition(".")[2]) for label in ids}
    meant = [label for label, kind in kinds.items() if kind in said or (stem and stem in kind)]
    if not meant:
        return list(ids.values())
    others = [label for label in ids if label not in meant]
    first = ROUTES.index(route) * OTHERS % len(others)
    return [ids[label] for label in [*meant, *(others + others)[first : first + OTHERS]]]


def _letters(text: str) -> str:
    return "".join(part for part in text.lower() if part.isalpha())


def addresses(route: Route, canary: Canary) -> Iterator[str]:
    """Every address of a route with the company's ids in it."""
    words = {name: words_for(name, route, canary) for name in route.arguments}
    for number in range(max((len(found) for found in words.values()), default=1)):
        chosen = {name: found[number % len(found)] for name, found in words.items()}
        try:
            yield reverse(route.name, kwargs=chosen)
        except NoReverseMatch:
            continue


def send(client: Client, route: Route, method: str, address: str, body: Any = None) -> Any:
    options: dict[str, Any] = {} if body is None else {"data": body}
    if route.door == "api":
        options["content_type"] = "application/json"
    answer = getattr(client, method.lower())(address, **options)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, f"{answer.headers} {content.decode(errors='replace')}"


def names_something(route: Route) -> bool:
    """Whether an argument of the route is the id or key of a company's row."""
    return bool(set(route.arguments) - set(NO_IDS)) and not route.name.startswith("account_")


CASES = [(route, method) for route in ROUTES for method in route.methods if route.arguments]


def test_no_address_with_another_companys_ids_shows_or_changes_anything(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    before, wrong, asked = rows_of(theirs.tenant), [], 0
    for route, method in CASES:
        found = list(addresses(route, theirs))
        assert found, f"{route.name}: no address could be made"
        with atomic():
            for address in found:
                answer, text = send(asker, route, method, address)
                asked += 1
                if theirs.is_in(text) and theirs.mark not in address.lower():
                    wrong.append(f"{method} {address} shows the other company's text")
                if names_something(route) and not (
                    answer.status_code in NOTHING_HERE or led_away(route, answer)
                ):
                    wrong.append(f"{method} {address} {route.name} is answered with {answer.status_code}")
            if method != "GET" and rows_of(theirs.tenant) != before:
                wrong.append(f"{method} {route.name} changes the other company")
            transaction.set_rollback(True, using=current_alias())
    assert not wrong, wrong
    assert asked > 500


def led_away(route: Route, answer: Any) -> bool:
    """Whether a colleague is led from the clients' page of an approval to their own, which is looked up there."""
    return route.name == "portal:approval" and str(answer.get("Location", "")).startswith("/tasks/approvals/")


# --- ids in bodies

ROW_OF = {
    "tasks": "tasks.Task", "projects": "tasks.Project", "connections": "integrations.Connection",
    "milestones": "tasks.Milestone", "collections": "integrations.SyncedCollection",
    "sync-runs": "integrations.SyncRun",
}  # fmt: skip


# What a field of this name points at, where the name does not say it.
POINTS_AT = {
    "assignee": "tasks.Person", "lead": "tasks.Person", "parent": "tasks.Task", "depends_on": "tasks.Task",
    "blocked_by": "tasks.Task",
}  # fmt: skip


# Texts by their format or by the name of their field, where not every text will do.
WRITTEN = {"date": "2026-11-22", "date-time": "2026-11-22T09:00:00Z", "uri": "https://ours.example/", "key": "OURS",
           "time_zone": "Europe/Berlin", "status": "planned"}  # fmt: skip


def id_for(name: str, canary: Canary, turn: int) -> str:
    """The id a field of this name asks for in the first turn, then each of the others."""
    fitting = [
        pk
        for label, pk in canary.ids.items()
        if label.rpartition(".")[2].lower() in name.replace("_", "")
        or any(word in name and label == target for word, target in POINTS_AT.items())
    ]
    ids = [*fitting[:1], *canary.ids.values()]
    return str(ids[turn % len(ids)])


def values_for(
    schema: dict[str, Any], components: dict[str, Any], canary: Canary, turn: int, name: str = ""
) -> Any:
    """A value of the described form; wherever an id may stand, it is the company's."""
    if "$ref" in schema:
        return values_for(components[schema["$ref"].rpartition("/")[2]], components, canary, turn, name)
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return values_for(schema[word][0], components, canary, turn, name)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {
                name: values_for(part, components, canary, turn, name)
                for name, part in schema.get("properties", {}).items()
                if not part.get("readOnly")
            }
        case "array":
            return [values_for(schema["items"], components, canary, turn, name)]
        case "string" if schema.get("format") == "uuid":
            return id_for(name, canary, turn)
        case "string" if schema.get("format") in WRITTEN:
            return WRITTEN[schema["format"]]
        case "string":
            return WRITTEN.get(name, "Written by us")
        case "boolean":
            return True
        case "integer" | "number":
            return 1
        case _:
            return None


def described_bodies(mine: Canary, theirs: Canary) -> Iterator[tuple[str, Any]]:
    """(operation, body) for each that takes one, as often as there are ids."""
    description = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    components = description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            for body in list(content.values())[:1]:
                for turn in range(len(theirs.ids)):
                    yield f"{method} {path}", values_for(body["schema"], components, theirs, turn)
                # The same with nothing but our own in it: what is refused otherwise is refused for the ids.
                yield f"{method} {path}", values_for(body["schema"], components, mine, 0)


def test_no_body_with_another_companys_ids_reaches_it_or_is_taken_over(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    """Our own rows in the address, theirs in the body: nothing is shown, changed, or remembered."""
    before, wrong, taken = rows_of(theirs.tenant), [], set()
    for operation, body in described_bodies(mine, theirs):
        method, _, path = operation.partition(" ")
        noun = path.split("/")[3]
        row = ROW_OF.get(noun)
        ours = mine.rows[row] if row else None
        address = path.replace("{key}", getattr(ours, "key", "")).replace(
            "{id}", str(ours.pk if ours else "")
        )
        with atomic():
            answer = getattr(asker, method)(address, data=body, content_type="application/json")
            if answer.status_code < 300:
                taken.add(operation)
            wrong += problems(operation, answer.content.decode(), before, mine, theirs)
            transaction.set_rollback(True, using=current_alias())
    assert wrong == []
    # With our own ids they are good bodies: the others were refused for the ids.
    assert {"post /api/v1/tasks/", "post /api/v1/projects/"} <= taken


def test_no_form_with_another_companys_ids_reaches_it_or_is_taken_over(
    mine: Canary, theirs: Canary, asker: Client
) -> None:
    before, wrong = rows_of(theirs.tenant), []
    named = {label.rpartition(".")[2].lower(): str(pk) for label, pk in theirs.ids.items()}
    task, project = theirs.rows["tasks.Task"], theirs.rows["tasks.Project"]
    form: dict[str, Any] = {
        **named, **{f"{name}_id": pk for name, pk in named.items()}, **{f"{name}s": [pk] for name, pk in named.items()},
        "ids": [str(task.pk)], "assignee": named["person"], "assignees": [named["person"]], "lead": named["person"],
        "parent": str(task.pk), "depends_on": task.key, "task": task.key, "other": task.key,  # type: ignore[attr-defined]
        "title": "Written by us", "name": "Written by us", "body": "Written by us", "text": "Written by us",
        "workspace": named["connection"], "person": named["person"], "email": "somebody@canary.example",
        "role": "member", "priority": "2", "kind": "assign", "value": named["person"],
        "department": named["department"],
        "project": str(project.pk), "action": "assign", "token": "ntn_0000000000", "due_on": "2026-11-22",
        "status": "planned",
    }  # fmt: skip
    for route in ROUTES:
        if route.door != "console":
            continue
        for method in route.methods:
            ours = [*addresses(route, mine)]
            for address in ours:
                with atomic():
                    answer, text = send(asker, route, method, address, form)
                    # What names no row of ours is not asked further.
                    if answer.status_code != 404:
                        wrong += problems(f"{method} {address}", text, before, mine, theirs)
                    transaction.set_rollback(True, using=current_alias())
    assert wrong == []


def problems(what: str, text: str, before: str, mine: Canary, theirs: Canary) -> list[str]:
    """What went wrong with one request."""
    found = []
    # A form shows again what was typed: the key of a task is all it was given with the mark in it.
    if theirs.is_in(text.replace(theirs.rows["tasks.Task"].key, "")):  # type: ignore[attr-defined]
        found.append(f"{what} shows the other company's text")
    if rows_of(theirs.tenant) != before:
        found.append(f"{what} changes the other company")
    if strange := theirs.id_in(rows_of(mine.tenant)):
        found.append(f"{what} keeps {strange} of the other company")
    return found


# --- the tests above can fail


def test_at_home_the_same_addresses_show_the_mark(theirs: Canary, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        host = Domain.objects.get(tenant_id=other_tenant.id, is_canonical=True).host
        client = signed_in_client(
            host, actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        )
        client.raise_request_exception = False
        showing = set()
        for route in ROUTES:
            if "GET" in route.methods:
                for address in addresses(route, theirs):
                    with atomic():
                        _answer, text = send(client, route, "GET", address)
                        if theirs.is_in(text):
                            showing.add(route.name)
                        transaction.set_rollback(True, using=current_alias())
    assert len(showing) > 25, showing
    assert {
        "tasks:detail",
        "task-detail",
        "project-detail",
        "connection-detail",
        "integrations:workspace",
    } <= showing


def test_another_companys_token_is_nobodys_here(
    tenant: TenantRef, host: str, other_tenant: TenantRef
) -> None:
    with tenant_scope(other_tenant):
        owner = actor_for(User.objects.get(email=f"owner@{other_tenant.slug}.example"))
        stranger = token_client(host, owner)
    assert stranger.get("/api/v1/tasks/").status_code == 401
