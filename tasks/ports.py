"""Sockets of this floor: what stands above plugs in here."""

from collections.abc import Callable

from django.utils.safestring import SafeString

from tasks.models import Task
from tenants.accounts.access import UserActor

#: What another package has to say about a task, as its own template renders it; empty for nothing.
type TaskPanel = Callable[[UserActor, Task], SafeString]

_panels: list[TaskPanel] = []


def register_task_panel(panel: TaskPanel) -> None:
    """Show this beside the properties of every task. Safe to repeat."""
    if panel not in _panels:
        _panels.append(panel)


def panels_of(task: Task, *, actor: UserActor) -> list[SafeString]:
    """What the others have to say about a task."""
    return [text for panel in _panels if (text := panel(actor, task))]
