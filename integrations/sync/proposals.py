"""Which remote field means which of ours, proposed from names, types and options, with reasons; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from integrations.capabilities import FieldKind, RemoteCollection, RemoteField
from integrations.sync.options import OptionProposal, number_proposals, priority_proposals, status_proposals
from integrations.sync.vocabulary import (
    FIELD_WORDS,
    PROJECT_COLLECTION_WORDS,
    TASK_COLLECTION_WORDS,
    OurField,
    normal,
)

THRESHOLD: Final = 0.5
_NAME_WEIGHT, _TYPE_WEIGHT, _OPTIONS_WEIGHT = 0.6, 0.25, 0.15

#: How well a remote kind carries our field: 1 made for it, less if it merely can; a kind not named cannot.
KIND_FIT: Mapping[OurField, Mapping[FieldKind, float]] = {
    OurField.TITLE: {FieldKind.TITLE: 1.0},
    OurField.STATUS: {FieldKind.STATUS: 1.0, FieldKind.CHOICE: 0.8, FieldKind.CHECKBOX: 0.6},
    OurField.PRIORITY: {FieldKind.CHOICE: 1.0, FieldKind.STATUS: 0.6, FieldKind.NUMBER: 0.6},
    OurField.DESCRIPTION: {FieldKind.TEXT: 1.0},
    OurField.ASSIGNEES: {FieldKind.PEOPLE: 1.0},
    OurField.DUE: {FieldKind.DATE: 1.0},
    OurField.START: {FieldKind.DATE: 1.0},
    OurField.COMPLETED: {FieldKind.DATE: 1.0},
    OurField.ESTIMATE: {FieldKind.NUMBER: 1.0},
    OurField.TAGS: {FieldKind.CHOICES: 1.0, FieldKind.CHOICE: 0.5},
    OurField.DEPARTMENT: {FieldKind.CHOICE: 1.0, FieldKind.CHOICES: 0.4},
    OurField.PROJECT: {FieldKind.RELATION: 1.0, FieldKind.CHOICE: 0.7, FieldKind.TEXT: 0.3},
    OurField.PARENT: {FieldKind.RELATION: 1.0},
    OurField.BLOCKED_BY: {FieldKind.RELATION: 1.0},
}
_SELF_RELATIONS = frozenset({OurField.PARENT, OurField.BLOCKED_BY})
_PROJECT_TITLES: Final = frozenset(normal(word) for word in PROJECT_COLLECTION_WORDS)
#: A lone field of such a kind is most likely what we look for, whatever its name.
_ONLY_ONE_IS_ENOUGH: Mapping[OurField, FieldKind] = {
    OurField.STATUS: FieldKind.STATUS,
    OurField.ASSIGNEES: FieldKind.PEOPLE,
    OurField.DUE: FieldKind.DATE,
    OurField.TAGS: FieldKind.CHOICES,
}


class CollectionRole(StrEnum):
    """What the rows of a remote collection are to us."""

    TASKS = "tasks"
    PROJECTS = "projects"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FieldProposal:
    """One of our fields and the remote field proposed for it; `score` from 0 to 1."""

    our_field: OurField
    remote_field: RemoteField
    score: float
    reason: str
    options: tuple[OptionProposal, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionProposal:
    """How to read a collection; `problem` says why it cannot be read as tasks, or is empty."""

    role: CollectionRole
    reason: str
    fields: tuple[FieldProposal, ...]
    problem: str = ""

    def field_for(self, our_field: OurField) -> FieldProposal | None:
        return next((item for item in self.fields if item.our_field is our_field), None)


def propose_mapping(collection: RemoteCollection, *, project_ids: Collection[str] = ()) -> CollectionProposal:
    """Propose how to read a collection; `project_ids` are the collections that hold projects."""
    candidates = [
        proposal
        for our_field in OurField
        # The text of the page is the description, unless a person maps a column to it.
        if our_field is not OurField.DESCRIPTION
        for field in collection.fields
        if (proposal := _score(our_field, field, collection, project_ids)) is not None
        and proposal.score >= THRESHOLD
    ]
    # Ties go to the field that stands first in Notion, so that the same schema always gets the same proposal.
    candidates.sort(key=lambda item: -item.score)
    chosen: dict[OurField, FieldProposal] = {}
    taken: set[str] = set()
    for proposal in candidates:
        if proposal.our_field not in chosen and proposal.remote_field.id not in taken:
            chosen[proposal.our_field] = proposal
            taken.add(proposal.remote_field.id)
    role, reason = _role(collection, chosen, is_project=collection.id in project_ids)
    if role is CollectionRole.PROJECTS:
        chosen = {name: item for name, item in chosen.items() if name is OurField.TITLE}
    return CollectionProposal(
        role=role,
        reason=reason,
        fields=tuple(chosen[our_field] for our_field in OurField if our_field in chosen),
        problem="" if OurField.TITLE in chosen else "It has no title column: its rows cannot become tasks.",
    )


def option_proposals(our_field: OurField, field: RemoteField) -> tuple[OptionProposal, ...]:
    """Propose the meaning of each option of a field that is mapped to a state or a priority."""
    if our_field is OurField.STATUS:
        return status_proposals(field)
    if our_field is not OurField.PRIORITY:
        return ()
    return number_proposals() if field.kind is FieldKind.NUMBER else priority_proposals(field.options)


def can_carry(our_field: OurField, kind: FieldKind) -> bool:
    """Say whether a remote field of this kind may be mapped to our field at all."""
    return kind in KIND_FIT[our_field]


def _score(
    our_field: OurField, field: RemoteField, collection: RemoteCollection, project_ids: Collection[str]
) -> FieldProposal | None:
    fit = KIND_FIT[our_field].get(field.kind)
    if fit is None:
        return None
    if our_field is OurField.TITLE:
        return FieldProposal(our_field, field, 1.0, "It is the title of the row.")
    is_self_relation = field.related_collection_id == collection.id
    if our_field in _SELF_RELATIONS and not is_self_relation:
        return None
    if our_field is OurField.PROJECT and field.kind is FieldKind.RELATION and is_self_relation:
        return None
    name, reason = _name_score(our_field, field.name)
    if our_field is OurField.PROJECT and field.related_collection_id in project_ids:
        name, reason = max(name, 0.9), "It leads to the projects."
    options = option_proposals(our_field, field)
    evidence = _certain_share(options)
    if name < 0.5 and _is_only_one(our_field, field, collection):
        name, reason = 0.5, f"It is the only {field.kind.value} column."
    elif name < 0.5 and options and evidence >= 0.75:
        name, reason = 0.55, "Its options look like it."
    if name < 0.5:
        return None
    if options:
        score = _NAME_WEIGHT * name + _TYPE_WEIGHT * fit + _OPTIONS_WEIGHT * evidence
    else:
        score = (_NAME_WEIGHT * name + _TYPE_WEIGHT * fit) / (_NAME_WEIGHT + _TYPE_WEIGHT)
    return FieldProposal(our_field, field, round(score, 3), reason, options)


def _name_score(our_field: OurField, name: str) -> tuple[float, str]:
    plain = normal(name)
    best, words = 0.0, FIELD_WORDS[our_field]
    for place, phrase in enumerate(words):
        word = normal(phrase)
        if word == plain:
            score = 1.0 - 0.1 * place / len(words)
        elif f" {word} " in f" {plain} ":
            # The larger the part of the name that we understand, the surer we are.
            score = 0.55 + 0.3 * len(word) / len(plain)
        else:
            continue
        best = max(best, score)
    return best, f"The name “{name}” means {our_field.value.replace('_', ' ')}."


def _has_phrase(name: str, phrases: tuple[str, ...]) -> bool:
    padded = f" {normal(name)} "
    return any(f" {normal(phrase)} " in padded for phrase in phrases)


def _certain_share(options: tuple[OptionProposal, ...]) -> float:
    return sum(option.is_certain for option in options) / len(options) if options else 0.0


def _is_only_one(our_field: OurField, field: RemoteField, collection: RemoteCollection) -> bool:
    kind = _ONLY_ONE_IS_ENOUGH.get(our_field)
    return field.kind is kind and sum(item.kind is kind for item in collection.fields) == 1


def find_projects(collections: Iterable[RemoteCollection]) -> frozenset[str]:
    """Find the collections that hold projects: those called so, and those a relation called so leads to."""
    known = {item.id: item for item in collections}
    found = {item.id for item in known.values() if normal(item.title) in _PROJECT_TITLES}
    for collection in known.values():
        for field in collection.fields:
            target = field.related_collection_id
            leads_away = field.kind is FieldKind.RELATION and target in known and target != collection.id
            # What is a project itself may well point at a "project office": that holds no projects.
            if (
                leads_away
                and collection.id not in found
                and _name_score(OurField.PROJECT, field.name)[0] >= 0.9
            ):
                found.add(target)
    return frozenset(found)


def _role(
    collection: RemoteCollection, chosen: Mapping[OurField, FieldProposal], *, is_project: bool
) -> tuple[CollectionRole, str]:
    if is_project:
        return CollectionRole.PROJECTS, "It is called projects, or others lead to it as their project."
    signs = [name for name in (OurField.STATUS, OurField.ASSIGNEES, OurField.DUE) if name in chosen]
    if _has_phrase(collection.title, TASK_COLLECTION_WORDS) and signs:
        return CollectionRole.TASKS, f"“{collection.title}” names tasks."
    if OurField.STATUS in chosen and len(signs) > 1:
        found = " and ".join(str(name) for name in signs)
        return CollectionRole.TASKS, f"Its rows have {found}."
    return CollectionRole.OTHER, "Its rows do not look like tasks."
