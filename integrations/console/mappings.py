"""How a database is read: which column fills which field, tried on its real rows before it is confirmed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from integrations.capabilities import READ_ONLY_KINDS, FieldKind, RemoteField
from integrations.console.set_up_path import after_confirming, path_context
from integrations.models import FieldMapping, SyncedCollection
from integrations.selectors import collection_for
from integrations.sync.preview import PreviewRow, preview_mapping
from integrations.sync.proposals import can_carry, option_proposals
from integrations.sync.services import MappingChoice, confirm_mapping, current_choices
from integrations.sync.stored_mapping import schema_from_json, stamp_of
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tenants.accounts.access import actor_of, can
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import Conflict, DomainError, Forbidden
from tenants.tenancy import atomic, outside_transaction

LABELS: Mapping[OurField, str | Promise] = {
    OurField.TITLE: gettext_lazy("Title"),
    OurField.STATUS: gettext_lazy("Status"),
    OurField.PRIORITY: gettext_lazy("Priority"),
    OurField.ASSIGNEES: gettext_lazy("Owners"),
    OurField.DUE: gettext_lazy("Due"),
    OurField.START: gettext_lazy("Start"),
    OurField.COMPLETED: gettext_lazy("Completed"),
    OurField.ESTIMATE: gettext_lazy("Estimate, hours"),
    OurField.TAGS: gettext_lazy("Tags"),
    OurField.DEPARTMENT: gettext_lazy("Department"),
    OurField.PROJECT: gettext_lazy("Project"),
    OurField.PARENT: gettext_lazy("Part of"),
    OurField.BLOCKED_BY: gettext_lazy("Blocked by"),
    OurField.DESCRIPTION: gettext_lazy("Description"),
}
OPTION_FIELDS = (OurField.STATUS, OurField.PRIORITY)
# A project is known by its name alone; everything else of its row stays in Notion.
FIELDS_OF: Mapping[str, tuple[OurField, ...]] = {SyncedCollection.Role.PROJECTS: (OurField.TITLE,)}
ROWS_SHOWN = 5
WAY_BACK = ("takes_new_tasks", "trashes_records")
DIRECTIONS = [
    (FieldMapping.Direction.BOTH, gettext_lazy("Both ways")),
    (FieldMapping.Direction.IN, gettext_lazy("From Notion only")),
    (FieldMapping.Direction.OUT, gettext_lazy("To Notion only")),
]
POLICIES = [
    (FieldMapping.Policy.NEWEST, gettext_lazy("the newest edit wins")),
    (FieldMapping.Policy.REMOTE, gettext_lazy("Notion wins")),
    (FieldMapping.Policy.LOCAL, gettext_lazy("this side wins")),
    (FieldMapping.Policy.MANUAL, gettext_lazy("somebody is asked")),
]


@dataclass(frozen=True, kw_only=True)
class OptionLine:
    """One option of a column and what it becomes here."""

    name: str
    html_name: str
    value: str
    reason: str
    is_certain: bool


@dataclass(frozen=True, kw_only=True)
class FieldLine:
    """One of our fields, the columns that can fill it, and the one that does."""

    our_field: str
    label: str | Promise
    html_name: str
    columns: list[tuple[str, str]]
    chosen: str
    note: str
    error: str
    is_suspended: bool
    options: list[OptionLine]
    values: list[tuple[str, str]]
    direction: str
    policy: str
    is_read_only: bool


@login_required
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """The mapping of a database: change it, see real rows under it, confirm it."""
    actor = actor_of(request)
    with atomic():
        collection = collection_for(actor=actor, collection_id=collection_id)
        stored = list(collection.mappings.all())
        choices = (
            chosen_in(request.POST, collection) if request.method == "POST" else current_choices(collection)
        )
    errors: dict[str, list[str]] = {}
    problem, seen = "", request.POST.get("seen", "")
    if request.POST.get("action") == "confirm":
        try:
            confirm_mapping(
                collection=collection,
                choices=choices,
                actor=actor,
                role=request.POST.get("role", SyncedCollection.Role.TASKS),
                department_name=request.POST.get("department_name", ""),
                takes_new_tasks="takes_new_tasks" in request.POST,
                trashes_records="trashes_records" in request.POST,
                seen=seen,
            )
        except Conflict as conflict:
            # What this person chose stays in the form; confirmed again, it counts.
            seen, problem = "", conflict.message
        except DomainError as error:
            errors, problem = error.fields, error.message
        else:
            with atomic():
                here, text = after_confirming(collection)
                return toast(request, HttpResponseRedirect(here), text)
    rows: list[PreviewRow] = []
    try:
        rows = preview_mapping(collection=collection, actor=actor, choices=choices, limit=ROWS_SHOWN)
    except Forbidden:
        # The columns are shown without rows.
        pass
    except DomainError as error:
        errors, problem = {**error.fields, **errors}, problem or error.message
    with atomic():
        role = request.POST.get("role", collection.role)
        context = {
            "collection": collection,
            "connection": collection.connection,
            "lines": field_lines(collection, choices, stored, errors, FIELDS_OF.get(role, tuple(OurField))),
            "role": role,
            "roles": SyncedCollection.Role,
            "department_name": request.POST.get("department_name", collection.department_name),
            **{name: _is_ticked(request, name, collection) for name in WAY_BACK},
            "directions": DIRECTIONS,
            "policies": POLICIES,
            "rows": rows,
            "heads": [LABELS[OurField(value.our_field)] for value in rows[0].values] if rows else [],
            "problem": problem,
            "seen": seen or stamp_of(collection),
            "may_map": can(actor, "integrations.map"),
            **path_context(collection),
        }
        part = "#editor" if htmx_of(request) else ""
        status = 422 if problem and request.POST.get("action") == "confirm" else 200
        return render(request, f"integrations/mapping.html{part}", context, status=status)


def _is_ticked(request: HttpRequest, name: str, collection: SyncedCollection) -> bool:
    return name in request.POST if request.method == "POST" else bool(getattr(collection, name))


def chosen_in(data: QueryDict, collection: SyncedCollection) -> list[MappingChoice]:
    """The decisions of a sent form; fields left at “not read” are left out."""
    fields = {item.id: item for item in schema_from_json(collection.schema)}
    choices = []
    for our_field in OurField:
        chosen = data.get(f"field-{our_field.value}", "")
        if not chosen:
            continue
        options: dict[str, str] = {}
        remote = fields.get(chosen)
        if remote is not None and our_field in OPTION_FIELDS:
            for place, proposal in enumerate(option_proposals(our_field, remote)):
                value = data.get(f"option-{our_field.value}-{chosen}-{place}")
                if value is not None:
                    options[proposal.option_id] = value
        direction, policy = (data.get(f"{name}-{our_field.value}", "") for name in ("direction", "policy"))
        if remote is not None and remote.kind in READ_ONLY_KINDS:
            # A column nobody can write to was chosen: the way is not asked for.
            direction = FieldMapping.Direction.IN
        choices.append(MappingChoice(our_field.value, chosen, options, direction, policy))
    return choices


def field_lines(
    collection: SyncedCollection,
    choices: list[MappingChoice],
    stored: list[FieldMapping],
    errors: Mapping[str, list[str]],
    of: Iterable[OurField] = tuple(OurField),
) -> list[FieldLine]:
    """One line for each of the fields `of` a row that some column could fill."""
    fields = schema_from_json(collection.schema)
    chosen = {choice.our_field: choice for choice in choices}
    known = {row.our_field: row for row in stored}
    lines = []
    for our_field in of:
        columns = [
            (item.id, f"{item.name} · {kind_word(item.kind)}")
            for item in fields
            if can_carry(our_field, item.kind)
        ]
        row = known.get(our_field.value)
        if not columns and row is None:
            continue
        choice = chosen.get(our_field.value)
        remote = next((item for item in fields if choice and item.id == choice.remote_field_id), None)
        is_suspended = row is not None and row.state == FieldMapping.State.SUSPENDED
        is_proposal = bool(
            row
            and choice
            and row.state == FieldMapping.State.PROPOSED
            and row.remote_field_id == choice.remote_field_id
        )
        lines.append(
            FieldLine(
                our_field=our_field.value,
                label=LABELS[our_field],
                html_name=f"field-{our_field.value}",
                columns=columns,
                chosen=choice.remote_field_id if choice else "",
                note=row.reason if row and (is_proposal or is_suspended) else "",
                error=" ".join(errors.get(our_field.value, ())),
                is_suspended=is_suspended,
                options=option_lines(our_field, remote, choice) if remote and choice else [],
                values=values_for(our_field),
                direction=(choice.direction if choice else "") or FieldMapping.Direction.BOTH,
                policy=(choice.policy if choice else "") or FieldMapping.Policy.NEWEST,
                is_read_only=remote is not None and remote.kind in READ_ONLY_KINDS,
            )
        )
    return lines


def option_lines(our_field: OurField, remote: RemoteField, choice: MappingChoice) -> list[OptionLine]:
    """What each option of the chosen column becomes, as decided or else as proposed."""
    if our_field not in OPTION_FIELDS:
        return []
    return [
        OptionLine(
            name=item.option_name,
            html_name=f"option-{our_field.value}-{remote.id}-{place}",
            value=choice.options.get(item.option_id, item.value),
            reason=item.reason,
            is_certain=item.is_certain or item.option_id in choice.options,
        )
        for place, item in enumerate(option_proposals(our_field, remote))
    ]


def values_for(our_field: OurField) -> list[tuple[str, str]]:
    """What an option of this field can become."""
    if our_field is OurField.STATUS:
        return [(str(value), str(label)) for value, label in Task.Status.choices]
    if our_field is OurField.PRIORITY:
        return [(str(value), str(label)) for value, label in Task.Priority.choices]
    return []


def kind_word(kind: FieldKind) -> str:
    """The type of a column in a word."""
    return kind.value.replace("_", " ")
