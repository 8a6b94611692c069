"""Writes the projects an outside service knows, found by our id or by their name."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models.functions import Lower
from django.utils import timezone

from tasks.drafts import ProjectDraft
from tasks.importing.keys import derive_key
from tasks.importing.naming import taken_keys
from tasks.importing.normalising import clean_name
from tasks.models import Project
from tenants.accounts.access import Actor, require
from tenants.tenancy import atomic, wait_for_turn

NAMELESS = "Untitled project"


@atomic
def upsert_projects(*, drafts: Sequence[ProjectDraft], actor: Actor) -> dict[str, UUID]:
    """Create projects that are new and rename those known; returns our id for each `ref`. Four statements.

    A project is found by `id`, else by its name. A new name that another project has is not taken over.
    Raises: Forbidden.
    """
    require(actor, "tasks.import")
    wait_for_turn("tasks.projects")  # two workspaces that bring the same project at once make it once
    names = {draft.ref: clean_name(draft.name) or NAMELESS for draft in drafts}
    given = [draft.id for draft in drafts if draft.id is not None]
    by_id = {row.pk: row for row in Project.objects.filter(pk__in=given).select_for_update().order_by("pk")}
    wanted = {name.lower() for name in names.values()}
    by_name: dict[str, Project] = {
        row.name.lower(): row for row in Project.objects.alias(lower=Lower("name")).filter(lower__in=wanted)
    }
    taken: set[str] | None = None
    fresh: list[Project] = []
    renamed: list[Project] = []
    found: dict[str, UUID] = {}
    for draft in drafts:
        name = names[draft.ref]
        project = by_id.get(draft.id) if draft.id else None
        if project is not None and project.name != name:
            if by_name.get(name.lower(), project).pk == project.pk:
                by_name.pop(project.name.lower(), None)
                project.name, project.updated_at = name, timezone.now()
                by_name[name.lower()] = project
                renamed.append(project)
        elif project is None:
            project = by_name.get(name.lower())
        if project is None:
            taken = taken_keys() if taken is None else taken
            project = Project(name=name, key=derive_key(name, taken))
            taken.add(project.key)
            by_name[name.lower()] = project
            fresh.append(project)
        found[draft.ref] = project.pk
    Project.objects.bulk_create(fresh)
    if renamed:
        Project.objects.bulk_update(renamed, ["name", "updated_at"])
    return found
