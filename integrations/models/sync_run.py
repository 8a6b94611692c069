"""One piece of reading: what it was asked to do, how far it is, what it found and what went wrong."""

from typing import Final, Self

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    """Questions asked of sync runs."""

    def open(self) -> Self:
        """Not finished yet."""
        return self.filter(state__in=SyncRun.OPEN_STATES)


class SyncRun(models.Model):
    """One run of a connection.

    `done` counts records read, `total` is None while nobody can know it (the service does not count its
    rows). `calls` counts calls to the service. A run that waits for budget or for a service that is down is
    `waiting` and goes on by itself; `stalls` counts how often in a row it got no further.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", "First import"
        POLL = "poll", "Changes"
        FULL = "full", "Full check"
        BODIES = "bodies", "Page texts"
        EVENTS = "events", "Told changes"
        PUSH = "push", "Sent changes"
        DRY_RUN = "dry_run", "Dry run"
        UNDO = "undo", "Undo"

    class Held(models.TextChoices):
        """Why a waiting run does not go on by itself."""

        NO = "", "Not held"
        MASS_CHANGE = "mass", "Unusually many changes"

    class Trigger(models.TextChoices):
        MANUAL = "manual", "By hand"
        SCHEDULE = "schedule", "Schedule"
        CONNECT = "connect", "New connection"
        MAPPING = "mapping", "Changed mapping"
        WEBHOOK = "webhook", "Told by the service"
        EDIT = "edit", "Edits here"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTIAL = "partial", "Finished with errors"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Phase(models.TextChoices):
        QUEUED = "queued", "Queued"
        SCHEMA = "schema", "Columns"
        PEOPLE = "people", "People"
        RECORDS = "records", "Rows"
        RELATIONS = "relations", "Relations"
        DELETIONS = "deletions", "Deletions"
        RETRIES = "retries", "Rows set aside"
        BODIES = "bodies", "Page texts"
        FINISHED = "finished", "Finished"

    OPEN_STATES: Final = (State.QUEUED, State.RUNNING, State.WAITING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="runs", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    archived = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    pushed = models.PositiveIntegerField(default=0, db_default=0)
    conflicts = models.PositiveIntegerField(default=0, db_default=0)
    calls = models.PositiveIntegerField(default=0)
    stalls = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    is_cancel_requested = models.BooleanField(default=False)
    held_for = models.CharField(
        max_length=8, choices=Held.choices, blank=True, default=Held.NO, db_default=Held.NO
    )
    # What the run would do, in numbers and sentences, where somebody has to decide; made by the brake and by dry runs.
    plan = models.JSONField(null=True, blank=True)
    # Somebody has looked at the plan and said that it is right.
    is_approved = models.BooleanField(default=False, db_default=False)
    undoes_id = models.UUIDField(null=True, blank=True)
    accepts_disappearances = models.BooleanField(default=False)
    started_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=["queued", "running", "waiting"])
                & Q(kind__in=["import", "full", "undo"]),
                name="integrations_run_whole_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "queued",
                        "running",
                        "waiting",
                        "succeeded",
                        "partial",
                        "failed",
                        "cancelled",
                    ]
                ),
                name="integrations_run_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "-id"], name="integrations_run_newest"),
            models.Index(fields=["state", "-id"], name="integrations_run_by_state"),
            models.Index(fields=["kind", "-id"], name="integrations_run_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from start to end; None unless both are known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class SyncRunCollection(models.Model):
    """The part of a run that reads one collection, with the place to go on from after an interruption.

    `window_start` is the first moment of the part being read, `cursor` the service's place in it; `watermark`
    is the watermark the collection gets once this part is complete.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        READING = "reading", "Reading"
        READ = "read", "Read"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey("integrations.SyncRun", on_delete=models.CASCADE, related_name="collections")
    collection = models.ForeignKey(
        "integrations.SyncedCollection", on_delete=models.CASCADE, related_name="run_parts"
    )
    place = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    since = models.DateTimeField(null=True, blank=True)
    window_start = models.DateTimeField(null=True, blank=True)
    last_moment = models.DateTimeField(null=True, blank=True)
    cursor = models.TextField(blank=True, default="")
    page_size = models.PositiveSmallIntegerField(default=100)
    watermark = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    archived = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["place", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "collection"], name="integrations_run_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.collection_id}"
