"""The numbers a workspace or connection is held to, and the budget of calls per minute."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.errors import NotionError, rate_limited

WINDOW_SECONDS = 60
FAST_PLANS = frozenset({"business", "enterprise"})
PLANS = frozenset({"free", "plus", "business", "enterprise"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`None` lifts a limit. Units: calls per 60 s, rows, references, blocks, milliseconds, seconds."""

    per_minute: int | None = 180
    space_per_minute: int | None = None
    space_window_seconds: int = WINDOW_SECONDS
    endpoint_per_minute: dict[str, int] = field(default_factory=dict)
    result_cap: int = 10_000
    reference_cap: int = 25
    block_limit: int | None = None
    latency_ms: int = 0
    cursor_mode: Literal["keyset", "offset"] = "keyset"
    search_lag_seconds: int = 0
    markdown_blocks: int | None = None
    least_part_bytes: int = 5 * 1024 * 1024
    async_blocks: int | None = None

    def changed(self, values: dict[str, Any]) -> Limits:
        """A copy with some numbers replaced. Raises ValueError for an unknown name or a wrong type."""
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown limit {name!r}; known: {', '.join(sorted(known))}")
            if name == "cursor_mode":
                if value not in ("keyset", "offset"):
                    raise ValueError("cursor_mode is keyset or offset")
                continue
            if name == "endpoint_per_minute":
                _check_endpoints(value)
                continue
            may_be_none = name in (
                "per_minute",
                "space_per_minute",
                "block_limit",
                "markdown_blocks",
                "async_blocks",
            )
            if value is None and may_be_none:
                continue
            least = 1 if name in ("result_cap", "reference_cap", "space_window_seconds") else 0
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"limit {name!r} must be a whole number of at least {least}")
        return replace(self, **values)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _check_endpoints(value: Any) -> None:
    """Raises ValueError for anything but endpoints, as in the ledger, with calls a minute."""
    if not isinstance(value, dict) or not all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in value.values()
    ):
        raise ValueError("limit 'endpoint_per_minute' must be endpoints with a whole number each")


def limits_of_plan(plan: str) -> Limits:
    """What Notion grants a connection on this plan."""
    return Limits(per_minute=600 if plan in FAST_PLANS else 180)


def max_upload_bytes(plan: str) -> int:
    """The largest file a workspace on this plan takes."""
    return (5 if plan == "free" else 5 * 1024) * 1024 * 1024


class Budget:
    """Counts calls in fixed windows that begin with the first call after the last one ran out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(
        self, connection_id: str, workspace_id: str, limits: Limits, endpoint: str = ""
    ) -> NotionError | None:
        """Count one call; the 429 to answer when it is one too many (refused calls do not count)."""
        now = self._clock.now().timestamp()
        own = f"connection:{connection_id}"
        scopes: tuple[tuple[str, int | None, str, int], ...] = (
            (own, limits.per_minute, "public_api_request_rate_limit", WINDOW_SECONDS),
            (
                f"workspace:{workspace_id}",
                limits.space_per_minute,
                "public_api_space_request_rate_limit",
                limits.space_window_seconds,
            ),
            (
                f"{own}:{endpoint}",
                limits.endpoint_per_minute.get(endpoint),
                "public_api_endpoint_rate_limit",
                WINDOW_SECONDS,
            ),
        )
        for key, allowed, reason, length in scopes:
            if allowed is None:
                continue
            started, used = self._window(key, now, length)
            if used >= allowed:
                left = length - (now - started)
                return rate_limited(reason, max(1, min(length, int(left + 0.999))))
        for key, allowed, _, length in scopes:
            if allowed is not None:
                started, used = self._window(key, now, length)
                self._windows[key] = (started, used + 1)
        return None

    def forget(self) -> None:
        """Start all windows anew."""
        self._windows.clear()

    def _window(self, key: str, now: float, length: int) -> tuple[float, int]:
        started, used = self._windows.get(key, (now, 0))
        # A clock that was set back would otherwise leave a window open for hours.
        if not 0 <= now - started < length:
            return now, 0
        return started, used
