"""What our people, projects and tasks are called in one outside workspace."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models.functions import Lower

from integrations.models import Connection, ExternalLink
from integrations.sync.canonical import RELATIONS, Values
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField
from tasks.models import Person


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Remote ids of what values refer to; what is missing has no counterpart there.

    `people` by our person id, `projects` by our project's name, `tasks` by our field and task id (a relation leads
    into one collection only). `names` are the names of the people, for sentences.
    """

    people: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[OurField, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def tasks_of(self, our_field: OurField) -> Mapping[str, str]:
        return self.tasks.get(our_field, {})


def counterparts_for(
    connection: Connection, mapping: CollectionMapping, values: Iterable[Values]
) -> Counterparts:
    """The counterparts of everything these values refer to; three statements at most."""
    rows = list(values)
    people = _strings(rows, OurField.ASSIGNEES) if OurField.ASSIGNEES in mapping.fields else set()
    projects = _strings(rows, OurField.PROJECT) if OurField.PROJECT in mapping.fields else set()
    relations = [item for item in RELATIONS if item in mapping.fields]
    tasks = {ref for item in relations for ref in _strings(rows, item)}
    refs, names = _people(connection.connector, people)
    return Counterparts(
        people=refs,
        projects=_projects(connection, mapping, projects),
        tasks=_tasks(connection, mapping, relations, tasks),
        names=names,
    )


def _strings(rows: Iterable[Values], our_field: OurField) -> set[str]:
    found: set[str] = set()
    for row in rows:
        value = row.get(our_field.value)
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list):
            found.update(value)
    return found


def _people(connector: str, ids: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    if not ids:
        return {}, {}
    mark = f"{connector}:"
    refs: dict[str, str] = {}
    names: dict[str, str] = {}
    for pk, name, known_as in Person.objects.filter(pk__in=list(ids)).values_list("pk", "name", "refs"):
        names[str(pk)] = name
        if ref := next((item for item in known_as if item.startswith(mark)), None):
            refs[str(pk)] = ref.removeprefix(mark)
    return refs, names


def _projects(connection: Connection, mapping: CollectionMapping, names: Collection[str]) -> dict[str, str]:
    column = mapping.fields.get(OurField.PROJECT)
    if column is None or not names:
        return {}
    links = ExternalLink.objects.alias(lower=Lower("project__name")).filter(
        connection=connection, state=ExternalLink.State.CLEAN, lower__in=[name.lower() for name in names]
    )
    if column.related_collection_id:
        links = links.filter(collection__remote_id=column.related_collection_id)
    return dict(links.order_by("-pk").values_list("project__name", "remote_id"))


def _tasks(
    connection: Connection, mapping: CollectionMapping, relations: Collection[OurField], ids: Collection[str]
) -> dict[OurField, dict[str, str]]:
    if not ids:
        return {}
    # A record in the trash still is what a task hangs on: that somebody threw it away is no edit of the others.
    links = list(
        ExternalLink.objects.filter(connection=connection, task__in=[UUID(item) for item in ids])
        .order_by("-pk")
        .values_list("task_id", "remote_id", "collection__remote_id")
    )
    found: dict[OurField, dict[str, str]] = {}
    for our_field in relations:
        target = mapping.fields[our_field].related_collection_id
        found[our_field] = {
            str(task_id): remote_id
            for task_id, remote_id, collection_id in links
            if not target or collection_id == target
        }
    return found
