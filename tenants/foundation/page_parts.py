"""The values the console's components are drawn from: plain, frozen, knowing nothing of the domain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.safestring import SafeString

type Tone = Literal["neutral", "ok", "warn", "bad", "info", "brand"]
type StepState = Literal["done", "running", "waiting", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One figure of the strip: `spark` is a finished sparkline, `delta` the change, `detail` a line below."""

    label: str
    value: str
    url: str = ""
    delta: str = ""
    delta_tone: Tone = "neutral"
    note: str = ""
    spark: SafeString | str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One choice of a segmented control; a link, so that it works without JavaScript."""

    label: str
    url: str
    icon: str = ""
    is_current: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: `sort_url` asks for it sorted, `direction` says how it is sorted now."""

    label: str
    sort_url: str = ""
    direction: Literal["", "ascending", "descending"] = ""
    is_numeric: bool = False
    is_label_hidden: bool = False
    is_wide_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run: its name, what happened in it, and how long it took as a person reads it."""

    label: str
    state: StepState
    note: str = ""
    took: str = ""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a log view."""

    at: datetime
    text: str
    level: Literal["info", "warn", "bad"] = "info"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One thing somebody did: "Ada Demo" "completed" "OPS-214" "Confirm the crane"."""

    actor_name: str
    verb: str
    at: datetime
    subject: str = ""
    subject_url: str = ""
    detail: str = ""
    icon: str = ""
    avatar_url: str = ""


@dataclass(frozen=True, kw_only=True)
class SetupStep:
    """One line of the set-up list; `url` leads to where it is done."""

    label: str
    url: str
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that wants a person: what, why it matters or what to do, and where."""

    title: str
    text: str
    url: str
    tone: Tone = "warn"
    icon: str = "triangle-alert"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Where a keyset-paged list goes next; an empty address draws no link."""

    previous_url: str = ""
    next_url: str = ""
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class DataTable:
    """The figures of a chart as a table: `rows` pairs each row's heading with its cells."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]] = field(default_factory=tuple)
