"""A run as steps, shares and words: what its page is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import SyncRun, SyncRunCollection
from tenants.foundation.page_parts import Step, StepState

Phase = SyncRun.Phase
_WHOLE: Final = (Phase.SCHEMA, Phase.PEOPLE, Phase.RECORDS, Phase.RELATIONS, Phase.DELETIONS, Phase.RETRIES)
PHASES: Final = {
    SyncRun.Kind.IMPORT: _WHOLE,
    SyncRun.Kind.FULL: _WHOLE,
    SyncRun.Kind.POLL: (Phase.RECORDS, Phase.RELATIONS),
    SyncRun.Kind.BODIES: (Phase.BODIES,),
    SyncRun.Kind.EVENTS: (Phase.RECORDS, Phase.RELATIONS),
    SyncRun.Kind.DRY_RUN: (Phase.RECORDS, Phase.DELETIONS),
    SyncRun.Kind.PUSH: (),
    SyncRun.Kind.UNDO: (Phase.RECORDS,),
}
LABELS: Final = {
    Phase.SCHEMA: gettext_lazy("Read columns"),
    Phase.PEOPLE: gettext_lazy("Read people"),
    Phase.RECORDS: gettext_lazy("Read rows"),
    Phase.RELATIONS: gettext_lazy("Connect rows"),
    Phase.DELETIONS: gettext_lazy("Look for missing rows"),
    Phase.RETRIES: gettext_lazy("Try rows set aside"),
    Phase.BODIES: gettext_lazy("Read page texts"),
}
WELL_ENDED: Final = (SyncRun.State.SUCCEEDED, SyncRun.State.PARTIAL)
_ORDER: Final = [Phase.QUEUED, *_WHOLE, Phase.BODIES, Phase.FINISHED]


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """One database of a run as its table shows it; `total` is 0 while nobody can know it."""

    part: SyncRunCollection
    title: str
    done: int
    total: int
    percent: int | None
    state: StepState


def steps_of(run: SyncRun) -> list[Step]:
    """The run's phases in order, each with its state."""
    here = _ORDER.index(Phase(run.phase))
    steps = []
    for phase in PHASES[SyncRun.Kind(run.kind)]:
        place = _ORDER.index(phase)
        state: StepState = "waiting"
        is_well_ended = run.phase == Phase.FINISHED and run.state in WELL_ENDED
        if is_well_ended or place < here:
            state = "done"
        elif place == here:
            state = "running" if run.is_open else "failed"
        elif not run.is_open:
            state = "skipped"
        note = (
            f"{run.done:,}" if phase in (Phase.RECORDS, Phase.BODIES) and state in ("done", "running") else ""
        )
        label = _("Take back") if run.kind == SyncRun.Kind.UNDO else str(LABELS[phase])
        steps.append(Step(label=label, state=state, note=note))
    return steps


def percent(run: SyncRun, parts: Sequence[SyncRunCollection]) -> int | None:
    """How much of the run is done, 0 to 100; None while it cannot be known."""
    if not run.is_open:
        return 100 if run.state in WELL_ENDED else None
    if run.total:
        return min(99, round(100 * run.done / run.total))
    read = {SyncRunCollection.State.READ, SyncRunCollection.State.DONE}
    finished = sum(part.state in read for part in parts)
    return min(99, round(100 * finished / len(parts))) if finished else None


def progress_note(run: SyncRun, parts: Sequence[SyncRunCollection]) -> str:
    """What is being worked on, in a few words."""
    if run.state == SyncRun.State.WAITING and run.next_attempt_at:
        seconds = max(0, round((run.next_attempt_at - timezone.now()).total_seconds()))
        return _("waits for the service, about %(seconds)d s") % {"seconds": seconds}
    if not run.is_open:
        return ""
    reading = next((part for part in parts if part.state == SyncRunCollection.State.READING), None)
    return reading.collection.title if reading else str(LABELS.get(Phase(run.phase), ""))


def time_left(run: SyncRun, share: int | None) -> timedelta | None:
    """A guess from the pace so far; None when there is none."""
    if not (run.is_open and run.started_at and share and share >= 5):
        return None
    spent = (timezone.now() - run.started_at).total_seconds()
    return timedelta(seconds=round(spent * (100 - share) / share))


def part_rows(parts: Sequence[SyncRunCollection]) -> list[PartRow]:
    """The databases of a run in the order in which they are read."""
    return [_part_row(part) for part in parts]


def _part_row(part: SyncRunCollection) -> PartRow:
    states: dict[str, StepState] = {
        SyncRunCollection.State.PENDING: "waiting",
        SyncRunCollection.State.READING: "running",
        SyncRunCollection.State.READ: "running",
        SyncRunCollection.State.DONE: "done",
        SyncRunCollection.State.FAILED: "failed",
    }
    state = states[part.state]
    total = part.collection.row_count or 0
    share: int | None = None
    if state == "done":
        share = 100
    elif total:
        share = min(99, round(100 * part.done / total))
    elif state == "waiting":
        share = 0
    return PartRow(
        part=part, title=part.collection.title, done=part.done, total=total, percent=share, state=state
    )
