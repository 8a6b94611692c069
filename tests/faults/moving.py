"""People who work in a company while it is moved: what they were told is done is noted outside, and looked for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections

from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import archive_task, complete_task, create_task, update_task
from tenants.accounts.access import SYSTEM
from tenants.dispatch import enqueue
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of

PAUSE_SECONDS = 0.02


@dataclass
class Office:
    """What was acknowledged (task → title, done, archived), who was refused when, and what should not have happened."""

    tenant: TenantRef
    marks: str = ""
    told: dict[UUID, tuple[str, bool, bool]] = field(default_factory=dict)
    marked: int = 0
    refused: list[float] = field(default_factory=list)
    reads: int = 0
    errors: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ref(self) -> TenantRef:
        """The company as this process knows it, which may be a second old."""
        found = directory.by_id(self.tenant.id)
        assert found is not None
        return found

    @contextmanager
    def people(self, *, writers: int = 3, readers: int = 2) -> Iterator[None]:
        """Let them work until the block ends. The last writer looks at no door: it goes on till it is refused."""
        threads = [
            threading.Thread(target=self._guarded, args=(self._write, number, number == writers - 1))
            for number in range(writers)
        ] + [threading.Thread(target=self._guarded, args=(self._read,)) for _ in range(readers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(timeout=60)
            assert not any(thread.is_alive() for thread in threads), "somebody hangs"

    def _guarded(self, work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:
            self.errors.append(f"{work.__name__}: {type(error).__name__}: {error}")
        finally:
            connections.close_all()

    def _write(self, number: int, is_stubborn: bool) -> None:
        mine: list[UUID] = []
        known, done = self.ref(), 0
        while not self.ended.is_set():
            known = known if is_stubborn else self.ref()
            if not is_stubborn and not doors_of(known.state).writes:
                self.refused.append(time.monotonic())
                self.ended.wait(PAUSE_SECONDS)
                continue
            try:
                self._change(known, mine, f"Writer {number}, change {done}", done)
            except OperationalError as error:
                if not is_moving(error):
                    raise
                self.refused.append(time.monotonic())
                self.ended.wait(PAUSE_SECONDS)
                known = self.ref()
                continue
            done += 1
            self.ended.wait(PAUSE_SECONDS)

    def _change(self, ref: TenantRef, mine: list[UUID], title: str, turn: int) -> None:
        """One acknowledged change: noted when the transaction has been committed, not before."""
        with tenant_scope(ref):
            if turn % 3 == 0 or not mine:
                with atomic():
                    task = create_task(changes=TaskChanges(title=title), actor=SYSTEM)
                    if self.marks:
                        enqueue("test.mark", payload={"file": self.marks})
                with self.lock:
                    self.told[task.pk] = (title, False, False)
                    self.marked += bool(self.marks)
                mine.append(task.pk)
                return
            with atomic():
                task = Task.objects.get(pk=mine[turn % len(mine)])
                is_done, is_archived = task.is_done, False
                if turn % 3 == 1 or is_done:
                    task = update_task(task=task, changes=TaskChanges(title=title), actor=SYSTEM)
                elif turn % 2:
                    task, is_done = complete_task(task=task, actor=SYSTEM), True
                else:
                    task, is_archived = archive_task(task=task, actor=SYSTEM), True
            with self.lock:
                self.told[task.pk] = (task.title, is_done, is_archived)
            if is_archived:
                mine.remove(task.pk)

    def _read(self) -> None:
        """Whoever reads sees everything that was acknowledged before, wherever the company is just then."""
        while not self.ended.is_set():
            with self.lock:
                before = set(self.told)
            with tenant_scope(self.ref()), atomic():
                seen = set(Task.objects.values_list("pk", flat=True))
            self.reads += 1
            if before - seen:
                self.errors.append(f"{len(before - seen)} acknowledged tasks were not there to be read")
                return
            self.ended.wait(PAUSE_SECONDS)

    def has_done(self, more: int) -> Callable[[], bool]:
        """Whether so many more tasks have been made from now on. Raises: AssertionError when somebody failed."""
        before = len(self.told)

        def look() -> bool:
            assert not self.errors, self.errors
            return len(self.told) >= before + more

        return look

    def found(self) -> dict[UUID, tuple[str, bool, bool]]:
        """What the company holds, in the words of ``told``."""
        directory.forget()
        with tenant_scope(self.ref()), atomic():
            return {
                task.pk: (task.title, task.is_done, task.archived_at is not None)
                for task in Task.objects.all()
            }
