"""Jobs and a subscriber for tests with real workers: they leave marks in departments and in files."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from django.db import connections

from tenants.accounts.models import Department
from tenants.dispatch import Work, tenant_job
from tenants.outbox.bus import DomainEvent, subscribe
from tenants.tenancy import atomic, current_tenant


@tenant_job("test.mark", backoff_seconds=0.1)
def mark(work: Work) -> None:
    """Write a line with the row's id into the file ``payload["file"]``."""
    time.sleep(float(work.payload.get("seconds", 0)))
    append(Path(str(work.payload["file"])), f"{work.id} {work.attempt}")


@tenant_job("test.import", lease_seconds=2, backoff_seconds=0.1)
def import_pages(work: Work) -> None:
    """Make ten departments, one per transaction, under the fence; the first attempt pauses in the middle.

    The name is the page's number, so a page imported twice breaks the table's unique constraint.
    """
    append(Path(str(work.payload["file"])), f"{os.getpid()} {work.attempt}")
    for page in range(10):
        if work.attempt == 1 and page == 5:
            time.sleep(float(work.payload.get("pause", 60)))
        with atomic():
            work.hold()
            if not Department.objects.filter(name=f"Page {page}").exists():
                Department.objects.create(name=f"Page {page}", key=f"P{page}")


@tenant_job("test.add_once", lease_seconds=2, backoff_seconds=0.1)
def add_once(work: Work) -> None:
    """Make one department in the very transaction that finishes the row, then linger before returning."""
    append(Path(str(work.payload["file"])), f"{os.getpid()} {work.attempt}")
    with atomic():
        number = Department.objects.count()
        Department.objects.create(name=f"Made {number}", key=f"M{number}")
        work.finish()
    time.sleep(float(work.payload.get("seconds", 0)))


@tenant_job("test.count", lease_seconds=3, backoff_seconds=0.1, max_attempts=50)
def count(work: Work) -> None:
    """Leave a row that no constraint protects, in the transaction that finishes the job; now and then work longer."""
    time.sleep(0.05 if work.payload.get("is_long") else 0.002)
    with atomic(), connections[current_tenant().cell].cursor() as cursor:
        cursor.execute("INSERT INTO counted_effects (job) VALUES (%s)", [work.payload["job"]])
        work.finish()


@tenant_job("test.hopeless", max_attempts=2, backoff_seconds=0.05)
def hopeless(work: Work) -> None:
    """Fail for as long as the file ``payload["file"]`` is there."""
    if Path(str(work.payload["file"])).exists():
        raise ValueError("This job cannot be done while the file is there.")


def append(path: Path, line: str) -> None:
    """Add one line, in one write, so that several processes may."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


@dataclass(frozen=True, kw_only=True)
class DoorOpened(DomainEvent):
    """Something for a subscriber to die of."""

    name: ClassVar[str] = "test.door_opened"
    number: int
    fuse: str
    marks: str


@subscribe(DoorOpened, name="test.doors")
def note_door(event: DoorOpened) -> None:
    """Make a department; the third time the process is killed once, after the insert, before the commit."""
    append(Path(event.marks), f"{event.number} {os.getpid()}")
    Department.objects.create(name=f"Door {event.number}", key=f"D{event.number}")
    if event.number == 2 and Path(event.fuse).exists():
        Path(event.fuse).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
