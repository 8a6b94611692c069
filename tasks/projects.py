"""Writes of projects: made and changed by hand."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from tasks.drafts import ProjectChanges
from tasks.events import ProjectCreated, ProjectUpdated
from tasks.importing.keys import derive_key
from tasks.importing.naming import taken_keys
from tasks.importing.normalising import clean_name, clean_text
from tasks.models import Person, Project
from tasks.models.number_series import NO_PROJECT_PREFIX, PREFIX_PATTERN
from tenants.accounts.access import Actor, ScopeType, SystemActor, can, require
from tenants.accounts.models import Department
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

_MANAGE: Final = "tasks.manage_projects"
MAX_NAME_CHARS: Final = 200
MAX_DESCRIPTION_CHARS: Final = 20_000


def departments_to_make_in(actor: Actor) -> frozenset[UUID] | None:
    """The departments somebody may make projects in; None: in every one, and in none. Sends no query."""
    if isinstance(actor, SystemActor) or can(actor, _MANAGE):
        return None
    held = actor.holding.scopes(_MANAGE)
    return frozenset(scope.id for scope in held if scope.type is ScopeType.DEPARTMENT)


@atomic
def create_project(*, changes: ProjectChanges, actor: Actor) -> Project:
    """Make a project; without a key it gets one from its name.

    Whoever manages the projects of one department makes them there. Raises: Forbidden, InvalidInput.
    """
    given = changes.given()
    require(actor, _MANAGE, on=Project(department_id=given.get("department_id")))
    if not given.get("key"):
        given["key"] = derive_key(given.get("name") or "", taken_keys())
    values = _checked(given, None)
    if not values.get("name"):
        raise InvalidInput("A project needs a name.", fields={"name": ["This is needed."]})
    project = Project.objects.create(**values)
    publish(ProjectCreated(project_id=project.pk))
    return project


@atomic
def update_project(*, project: Project, changes: ProjectChanges, actor: Actor) -> Project:
    """Change a project. A new key is for new tasks; those there are keep theirs.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    require(actor, _MANAGE, on=project)
    locked = Project.objects.select_for_update().filter(pk=project.pk).first()
    if locked is None:
        raise NotFound("There is no such project.", code="projects.not_found")
    values = _checked(changes.given(), locked)
    changed = [name for name, value in values.items() if getattr(locked, name) != value]
    if changed:
        for name in changed:
            setattr(locked, name, values[name])
        # Nobody puts a project where they could not have made it.
        require(actor, _MANAGE, on=locked)
        locked.save(update_fields=[*changed, "updated_at"])
        publish(ProjectUpdated(project_id=locked.pk, changed=tuple(sorted(changed))))
    return locked


def _checked(given: dict[str, Any], project: Project | None) -> dict[str, Any]:
    values = dict(given)
    errors: dict[str, list[str]] = {}
    if "name" in values:
        values["name"] = clean_name(values["name"], MAX_NAME_CHARS + 1)
        errors["name"] = _wrong_name(values["name"], project)
    if "key" in values:
        values["key"] = values["key"].strip().upper()
        errors["key"] = _wrong_key(values["key"], project)
    if "description" in values:
        values["description"] = clean_text(values["description"])
        if len(values["description"]) > MAX_DESCRIPTION_CHARS:
            errors["description"] = [f"At most {MAX_DESCRIPTION_CHARS} characters."]
    if "status" in values and values["status"] not in Project.Status.values:
        errors["status"] = [f"Not one of: {', '.join(Project.Status.values)}."]
    for name, model in (("department_id", Department), ("lead_id", Person)):
        if values.get(name) and not _is_there(model, values[name]):
            errors[name] = ["There is no such thing."]
    start, due = (values.get(name, getattr(project, name, None)) for name in ("start_on", "due_on"))
    if start and due and start > due:
        errors["due_on"] = ["This is before the start."]
    if found := {name: lines for name, lines in errors.items() if lines}:
        raise InvalidInput("Some of the values are not valid.", fields=found)
    return values


def _is_there(model: Any, pk: UUID) -> bool:
    return bool(model._default_manager.filter(pk=pk).exists())


def _wrong_name(name: str, project: Project | None) -> list[str]:
    if not name:
        return ["A project needs a name."]
    if len(name) > MAX_NAME_CHARS:
        return [f"At most {MAX_NAME_CHARS} characters."]
    if _others(project).filter(name__iexact=name).exists():
        return ["Another project has this name."]
    return []


def _wrong_key(key: str, project: Project | None) -> list[str]:
    if not re.fullmatch(PREFIX_PATTERN, key) or key == NO_PROJECT_PREFIX:
        return ["Two to ten letters or digits, starting with a letter, and not TASK."]
    if (project is None or project.key != key) and key in taken_keys():
        return ["This key is in use, or was before."]
    return []


def _others(project: Project | None) -> Any:
    return Project.objects.exclude(pk=project.pk) if project else Project.objects.all()
