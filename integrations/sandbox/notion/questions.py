"""What Notion does not say, or says in two ways: one switch for each open question."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, get_args, get_type_hints

from integrations.sandbox.notion.errors import Json

# By name: the settings worth testing with. The first is what the sandbox does when nobody says anything.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "query_trash": ("either", "is_archived", "in_trash"),
    "status_error": ("named", "plain"),
    "unknown_property": ("refused", "ignored"),
    "title_event": ("properties_updated", "content_updated"),
    "edit_minute": ("cut", "nearest"),
    "two_way_relations": ("one_side", "silent", "edited"),
    "webhook_timeout_seconds": (10.0, 1.0),
    "webhook_disable_after": (None, 3),
    "cursor_lifetime_seconds": (None, 60.0),
    "token_lifetime_seconds": (None, 3600.0),
}
CHOICES = (
    "query_trash",
    "status_error",
    "unknown_property",
    "title_event",
    "edit_minute",
    "two_way_relations",
)


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The answers the sandbox gives.

    `query_trash`: which of `in_trash` and `is_archived` a query knows. `status_error`: the sentence for an unknown
    status. `unknown_property`: a write naming a column that is not there. `title_event`: what a new title is called.
    `edit_minute`: how times lose their seconds. `two_way_relations`: whether writing one side writes the other, and
    whether that counts as an edit there. `webhook_timeout_seconds`: how long an answer may take.
    `webhook_disable_after`: failed attempts in a row before a subscription is paused. `cursor_lifetime_seconds`,
    `token_lifetime_seconds` (access tokens of public connections): None for as long as the sandbox runs.
    """

    query_trash: str = "either"
    status_error: str = "named"
    unknown_property: str = "refused"
    title_event: str = "properties_updated"
    edit_minute: str = "cut"
    two_way_relations: str = "one_side"
    webhook_timeout_seconds: float = 10.0
    webhook_disable_after: int | None = None
    cursor_lifetime_seconds: float | None = None
    token_lifetime_seconds: float | None = None

    def changed(self, values: dict[str, Any]) -> Questions:
        """A copy with some answers replaced. Raises ValueError for an unknown question or answer."""
        hints = get_type_hints(Questions)
        for name, value in values.items():
            if name not in SETTINGS:
                raise ValueError(f"unknown question {name!r}; known: {', '.join(SETTINGS)}")
            if name in CHOICES:
                if value not in SETTINGS[name]:
                    raise ValueError(f"{name} is {' or '.join(SETTINGS[name])}")
            elif value is None:
                if type(None) not in get_args(hints[name]):
                    raise ValueError(f"{name} must be a number")
            elif isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"{name} must be a number above 0")
        return replace(self, **values)

    def as_json(self) -> Json:
        return asdict(self)
