"""What the description shows of this door; every workspace in it is invented."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_CONNECTION_ID: Final = "019ab2c4-0c00-7000-8000-000000000001"
_RUN: Final[dict[str, Any]] = {
    "done": 1200,
    "new": 1180,
    "changed": 20,
    "unchanged": 0,
    "archived": 0,
    "failed": 0,
    "calls": 13,
    "id": "019ab2c4-0e00-7000-8000-000000000001",
    "connection": {"id": _CONNECTION_ID, "name": "Operations workspace"},
    "kind": "import",
    "trigger": "manual",
    "state": "running",
    "phase": "records",
    "total": 4100,
    "error": "",
    "pushed": 0,
    "conflicts": 0,
    "held_for": "",
    "is_approved": False,
    "undoes_id": None,
    "created_at": "2027-01-02T09:00:00Z",
    "started_at": "2027-01-02T09:00:01Z",
    "next_attempt_at": None,
    "finished_at": None,
    "duration_seconds": 12.5,
}
CONNECTION: Final = OpenApiExample(
    "A connected workspace",
    {
        "id": _CONNECTION_ID,
        "connector": "notion",
        "name": "Operations workspace",
        "workspace_name": "Operations workspace",
        "workspace_id": "0c0ffee0-0000-4000-8000-000000000001",
        "account_name": "Task Sync",
        "auth_kind": "token",
        "state": "connected",
        "state_reason": "",
        "state_changed_at": "2027-01-02T09:00:00Z",
        "token_changed_at": "2027-01-02T09:00:00Z",
        "requests_per_minute": 180,
        "last_polled_at": "2027-01-03T16:20:00Z",
        "last_synced_at": "2027-01-03T16:20:00Z",
        "calls_total": 321,
        "created_at": "2027-01-02T09:00:00Z",
        "updated_at": "2027-01-03T16:20:00Z",
    },
    response_only=True,
)
NEW_CONNECTION: Final = OpenApiExample(
    "A workspace of Notion", {"connector": "notion", "token": "ntn_your_integration_token"}, request_only=True
)
NEW_TOKEN: Final = OpenApiExample("A new token", {"token": "ntn_your_new_token"}, request_only=True)
MAPPING: Final = OpenApiExample(
    "Titles, states and days",
    {
        "role": "tasks",
        "department_name": "Operations",
        "choices": [
            {"our_field": "title", "remote_field_id": "title"},
            {"our_field": "status", "remote_field_id": "stat", "options": {"stat-0": "planned"}},
            {"our_field": "due", "remote_field_id": "due%20"},
        ],
    },
    request_only=True,
)
PREVIEW: Final = OpenApiExample(
    "Three rows with only their titles",
    {"choices": [{"our_field": "title", "remote_field_id": "title"}], "limit": 3},
    request_only=True,
)
RUN: Final = OpenApiExample("A run under way", _RUN, response_only=True)
RUN_DETAIL: Final = OpenApiExample(
    "A run under way", {**_RUN, "collections": [], "issues": [], "plan": []}, response_only=True
)
NEW_RUN: Final = OpenApiExample(
    "Read everything again", {"connection_id": _CONNECTION_ID, "kind": "full"}, request_only=True
)
CONFLICT: Final = OpenApiExample(
    "A title that was changed on both sides",
    {
        "id": "019ab2c4-0f00-7000-8000-000000000001",
        "connection": {"id": _CONNECTION_ID, "name": "Operations workspace"},
        "task": {"id": "019ab2c4-0f00-7000-8000-000000000002", "key": "OPS-214", "title": "Call the bank"},
        "remote_id": "0c0ffee0-0000-4000-8000-000000000002",
        "remote_url": "https://workspace.example/0c0ffee0",
        "our_field": "title",
        "policy": "manual",
        "state": "open",
        "base": "Call the bank",
        "local": "Call the bank today",
        "remote": "Ring the bank",
        "chosen": "",
        "sides": ["local", "remote", "base", "merged"],
        "reason": "Both sides changed it, and this field waits for somebody to decide.",
        "local_changed_at": "2027-01-03T16:18:20Z",
        "remote_changed_at": "2027-01-03T16:18:00Z",
        "settled_by_id": None,
        "settled_at": None,
        "created_at": "2027-01-03T16:20:00Z",
        "updated_at": "2027-01-03T16:20:00Z",
    },
    response_only=True,
)
CHOICE: Final = OpenApiExample("Keep what is there", {"side": "remote"}, request_only=True)
