"""What an answer says about the task, in the form in which both sides are compared."""

from uuid import UUID

from integrations.capabilities import FieldKind, RemoteRecord
from integrations.models import ExternalLink
from integrations.sync.canonical import RELATIONS, Spelling, Values, incoming_values
from integrations.sync.links import links_by_remote_id
from integrations.sync.page import PageContext
from integrations.sync.people import people_of
from integrations.sync.translate import CollectionMapping, Known, translate_task
from integrations.sync.vocabulary import OurField
from tasks.models import Task


def read_back(context: PageContext, record: RemoteRecord, task_id: UUID, base: Values) -> Values:
    """The record's values by our field; what it does not say for sure is missing. Inside a transaction.

    A list that came cut to its first references says nothing; people and tasks nobody knows here are left out.
    """
    mapping = context.mapping
    known = Known(
        person_ids=_people(context, record),
        project_names=_projects(context, record),
    )
    try:
        translation = translate_task(record, mapping, task_id=task_id, known=known)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # The record was written all the same; whoever reads it next sets it aside and says why.
        return {}
    is_done = Task.objects.filter(pk=task_id, status=Task.Status.DONE).exists()
    found = incoming_values(translation, mapping, spelling=Spelling.of([translation]), is_done=is_done)
    for our_field, column in mapping.fields.items():
        value = record.value(column.remote_id)
        if value is not None and value.is_truncated:
            found.pop(our_field.value, None)
    return found | _relations(context, record, mapping)


def _people(context: PageContext, record: RemoteRecord) -> dict[str, UUID]:
    value = context.mapping.value(OurField.ASSIGNEES, record)
    people = [person for person in value.people if not person.is_bot] if value is not None else []
    return dict(people_of(context.session.connection.connector, people))


def _projects(context: PageContext, record: RemoteRecord) -> dict[str, str]:
    column = context.mapping.fields.get(OurField.PROJECT)
    value = context.mapping.value(OurField.PROJECT, record)
    if column is None or value is None or column.kind is not FieldKind.RELATION or not value.references:
        return {}
    links = links_by_remote_id(context.session.connection.pk, value.references)
    return {key: link.project.name for key, link in links.items() if link.project}


def _relations(context: PageContext, record: RemoteRecord, mapping: CollectionMapping) -> Values:
    found: Values = {}
    values = {item: value for item in RELATIONS if (value := mapping.value(item, record)) is not None}
    refs = {ref for value in values.values() for ref in value.references}
    links = ExternalLink.objects.filter(connection=context.session.connection, remote_id__in=refs)
    tasks = {row[0]: str(row[1]) for row in links.exclude(task=None).values_list("remote_id", "task_id")}
    for our_field, value in values.items():
        ids = [tasks[ref] for ref in value.references if ref in tasks]
        if not value.is_truncated:
            found[our_field.value] = next(iter(ids), None) if our_field is OurField.PARENT else sorted(ids)
    return found
