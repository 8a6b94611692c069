"""What the description shows of this door; everybody and everything in it is invented."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_TASK: Final[dict[str, Any]] = {
    "id": "019ab2c4-8f11-7c3a-9a55-1f0c7f6f2a10",
    "key": "OPS-214",
    "title": "Order new badges",
    "status": "in_progress",
    "priority": "high",
    "department": {"id": "019ab2c4-0d00-7000-8000-000000000001", "name": "Operations"},
    "project": {"id": "019ab2c4-0d00-7000-8000-000000000002", "name": "Office move", "key": "OPS"},
    "milestone": {"id": "019ab2c4-0d00-7000-8000-000000000004", "name": "Fifth floor handed over"},
    "parent_id": None,
    "assignees": [{"id": "019ab2c4-0d00-7000-8000-000000000003", "name": "Ida Invented"}],
    "start_on": "2027-01-04",
    "due_on": "2027-01-15",
    "due_at": None,
    "estimate_hours": "1.50",
    "tags": ["office"],
    "source": "Operations workspace",
    "source_url": "https://www.notion.so/0123456789abcdef0123456789abcdef",
    "completed_at": None,
    "archived_at": None,
    "created_at": "2027-01-02T09:00:00Z",
    "updated_at": "2027-01-03T16:20:00Z",
}
_PROJECT: Final[dict[str, Any]] = {
    "id": "019ab2c4-0d00-7000-8000-000000000002",
    "key": "OPS",
    "name": "Office move",
    "description": "From the third floor to the fifth.",
    "status": "active",
    "department": {"id": "019ab2c4-0d00-7000-8000-000000000001", "name": "Operations"},
    "start_on": "2027-01-04",
    "due_on": "2027-03-31",
    "created_at": "2027-01-02T09:00:00Z",
    "updated_at": "2027-01-02T09:00:00Z",
}
TASK_ROW: Final = OpenApiExample("A task of a list", _TASK, response_only=True)
TASK: Final = OpenApiExample(
    "A task", {**_TASK, "description": "Two for each of us, and **ten** for guests."}, response_only=True
)
NEW_TASK: Final = OpenApiExample(
    "A task to be made",
    {"title": "Order new badges", "priority": "high", "due_on": "2027-01-15", "tags": ["office"]},
    request_only=True,
)
TASK_CHANGE: Final = OpenApiExample(
    "Later, and more urgent", {"due_on": "2027-02-01", "priority": "urgent"}, request_only=True
)
PROJECT: Final = OpenApiExample("A project", _PROJECT, response_only=True)
NEW_PROJECT: Final = OpenApiExample(
    "A project to be made", {"name": "Office move", "key": "OPS", "due_on": "2027-03-31"}, request_only=True
)
PROJECT_CHANGE: Final = OpenApiExample("Paused", {"status": "paused"}, request_only=True)
MILESTONE: Final = OpenApiExample(
    "A milestone",
    {
        "id": "019ab2c4-0d00-7000-8000-000000000004",
        "project_id": "019ab2c4-0d00-7000-8000-000000000002",
        "name": "Fifth floor handed over",
        "due_on": "2027-02-15",
        "reached_at": None,
        "tasks_done": 3,
        "tasks_total": 5,
        "created_at": "2027-01-02T09:00:00Z",
        "updated_at": "2027-01-02T09:00:00Z",
    },
    response_only=True,
)
NEW_MILESTONE: Final = OpenApiExample(
    "A milestone to be made", {"name": "Fifth floor handed over", "due_on": "2027-02-15"}, request_only=True
)
MILESTONE_CHANGE: Final = OpenApiExample("Reached", {"is_reached": True}, request_only=True)
