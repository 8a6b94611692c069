"""Writes of milestones: the dated goals of a project, made, changed, reached and taken away by its managers."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.db.models import Q
from django.utils import timezone

from tasks.drafts import MilestoneChanges
from tasks.events import MilestoneMade, MilestoneReached, MilestoneRemoved, MilestoneUpdated
from tasks.importing.normalising import clean_name
from tasks.models import ApprovalRequest, Milestone, Project
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_NAME_CHARS: Final = 200
MAX_OF_A_PROJECT: Final = 200


@atomic
def make_milestone(*, project: Project, changes: MilestoneChanges, actor: Actor) -> Milestone:
    """Give a project a milestone; `changes` has to hold a name, which no other of the project has in any case.

    Raises: Forbidden, NotFound (the project is gone), InvalidInput (name), Conflict (name taken, or too many).
    """
    require(actor, "tasks.manage_projects", on=project)
    _lock(project)
    given = changes.given()
    others = Milestone.objects.filter(project=project)
    values = _checked({"name": "", **given}, others)
    if others.count() >= MAX_OF_A_PROJECT:
        raise Conflict(
            f"A project has at most {MAX_OF_A_PROJECT} milestones.", code="conflict.too_many_milestones"
        )
    if values.pop("is_reached", False):
        values["reached_at"] = timezone.now()
    milestone = Milestone.objects.create(project=project, **values)
    publish(MilestoneMade(milestone_id=milestone.pk, project_id=project.pk))
    if milestone.reached_at is not None:
        publish(MilestoneReached(milestone_id=milestone.pk, project_id=project.pk))
    log.info("milestone.made", milestone_id=milestone.pk, project_id=project.pk)
    return milestone


@atomic
def update_milestone(*, milestone: Milestone, changes: MilestoneChanges, actor: Actor) -> Milestone:
    """Change a milestone. Reaching what is reached keeps the time it was; what stays as it is tells nobody.

    Raises: Forbidden, NotFound (it or its project is gone), InvalidInput (name), Conflict (name taken).
    """
    require(actor, "tasks.manage_projects", on=milestone.project)
    _lock(milestone.project)
    locked = _locked(milestone)
    others = Milestone.objects.filter(project=milestone.project_id).exclude(pk=locked.pk)
    values = _checked(changes.given(), others)
    is_reached = values.pop("is_reached", locked.reached_at is not None)
    if is_reached is not (locked.reached_at is not None):
        values["reached_at"] = timezone.now() if is_reached else None
    changed = sorted(name for name, value in values.items() if getattr(locked, name) != value)
    if not changed:
        return locked
    for name in changed:
        setattr(locked, name, values[name])
    locked.save(update_fields=[*changed, "updated_at"])
    publish(MilestoneUpdated(milestone_id=locked.pk, project_id=locked.project_id, changed=tuple(changed)))
    if "reached_at" in changed and is_reached:
        publish(MilestoneReached(milestone_id=locked.pk, project_id=locked.project_id))
    log.info("milestone.updated", milestone_id=locked.pk, changed=changed)
    return locked


@atomic
def delete_milestone(*, milestone: Milestone, actor: Actor) -> None:
    """Take a milestone away. Its tasks stay in the project; questions about it nobody answered go with it.

    Raises: Forbidden, NotFound, Conflict (an approval of it waits, or was answered: that is kept).
    """
    require(actor, "tasks.manage_projects", on=milestone.project)
    _lock(milestone.project)
    locked = _locked(milestone, is_going=True)
    about = ApprovalRequest.objects.filter(milestone=locked)
    if about.filter(state=ApprovalRequest.State.REQUESTED).exists():
        raise Conflict(
            "An approval of this milestone waits for an answer. Withdraw it first.",
            code="conflict.milestone_waits",
        )
    if about.filter(~Q(state=ApprovalRequest.State.WITHDRAWN) | Q(decisions__isnull=False)).exists():
        raise Conflict(
            "An approval of this milestone was answered, and answers are kept. Rename it instead.",
            code="conflict.milestone_answered",
        )
    milestone_id, project_id = locked.pk, locked.project_id
    locked.delete()
    publish(MilestoneRemoved(milestone_id=milestone_id, project_id=project_id))
    log.info("milestone.removed", milestone_id=milestone_id, project_id=project_id)


def _lock(project: Project) -> None:
    """One at a time in a project, so that a name is looked for and taken in one go. Raises: NotFound."""
    if not Project.objects.select_for_update(no_key=True).filter(pk=project.pk, archived_at=None).exists():
        raise NotFound("There is no such project.", code="projects.not_found")


def _locked(milestone: Milestone, *, is_going: bool = False) -> Milestone:
    """The milestone as it stands, locked; one that is going also against new references. Raises: NotFound."""
    rows = Milestone.objects.select_for_update(no_key=not is_going).filter(pk=milestone.pk)
    found = rows.filter(project=milestone.project_id).first()
    if found is None:
        raise NotFound("There is no such milestone.", code="milestones.not_found")
    return found


def _checked(given: dict[str, Any], others: Any) -> dict[str, Any]:
    values = dict(given)
    if "name" not in values:
        return values
    values["name"] = name = clean_name(values["name"], MAX_NAME_CHARS + 1)
    if not name or len(name) > MAX_NAME_CHARS:
        problem = f"At most {MAX_NAME_CHARS} characters." if name else "A milestone needs a name."
        raise InvalidInput(problem, fields={"name": [problem]})
    if others.filter(name__iexact=name).exists():
        problem = "Another milestone of this project has this name."
        raise Conflict(problem, code="conflict.milestone_name", fields={"name": [problem]})
    return values
