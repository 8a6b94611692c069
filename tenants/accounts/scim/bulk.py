"""Many operations in one message: each in a transaction of its own, in the order their references allow."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, Final

import structlog
from scim2_models import (
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
)

from tenants.accounts.scim.bulk_sizes import check_sizes
from tenants.accounts.scim.errors import Problem
from tenants.accounts.scim.schemas import MOST_OPERATIONS

log = structlog.get_logger(__name__)

RESPONSE_URN: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_REFERENCE: Final = re.compile(r"bulkId:([^\s\"/]{1,200})")
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST_BULK_ID: Final = 200
# Texts of a group in which the word is no reference.
_TEXTS: Final = frozenset({"displayname", "externalid", "display"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of one operation: a resource's id, address and version, or a problem."""

    status: int
    id: str = ""
    location: str = ""
    version: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, its references put in."""

    method: str
    path: str
    data: Any = None
    version: str = ""


type Perform = Callable[[Operation], Done]
type IsOver = Callable[[], bool]


@dataclass(slots=True)
class _Job:
    number: int
    raw: dict[str, Any]
    method: str
    bulk_id: str
    is_repeated: bool = False
    needs: set[str] = field(default_factory=set)


def operations_of(payload: object) -> tuple[list[dict[str, Any]], int]:
    """Return a bulk request's operations and how many errors it bears (0: any number).

    Raises: SCIMException (malformed, too many operations, or too much in all of them together).
    """
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="The body is not a JSON object.")
    values = {str(key).lower(): value for key, value in payload.items()}
    operations, limit = values.get("operations"), values.get("failonerrors", 0)
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntaxException(detail="Operations holds one or more operations.")
    if not all(isinstance(each, dict) for each in operations):
        raise InvalidSyntaxException(detail="Each operation is an object.")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise InvalidValueException(detail="failOnErrors is a number of errors.")
    if len(operations) > MOST_OPERATIONS:
        raise PayloadTooLargeException(detail=f"{MOST_OPERATIONS} operations are the most.")
    check_sizes(operations)
    return operations, limit


def run(
    operations: list[dict[str, Any]], fail_on_errors: int, perform: Perform, *, is_over: IsOver
) -> dict[str, Any]:
    """Perform the operations and return the response.

    An operation that names another's resource (`bulkId:…`) waits for it, whatever their order; of a circle of them one
    is a conflict, and what waits for it. After `fail_on_errors` errors the rest is left undone and not in the response.
    From the moment `is_over` says so each that is left gets a 503 that says it was not done: what was done stays done.
    """
    plan = _Plan(_jobs(operations))
    made: dict[str, str] = {}
    results: dict[int, dict[str, Any]] = {}
    errors = 0
    while (job := plan.next_one()) is not None:
        if plan.waits(job):
            done = _failed(409, "Operations wait for one another in a circle.")
        elif is_over():
            done = _failed(503, "Not done: the message took too long. Send this operation again.")
        else:
            done = _performed(job, made, perform)
        results[job.number] = _result(job, done)
        if done.problem is None and job.bulk_id:
            made[job.bulk_id] = done.id
        errors += done.problem is not None
        if fail_on_errors and errors >= fail_on_errors:
            break
        plan.finish(job)
    log.info("scim.bulk_done", operations=len(operations), performed=len(results), errors=errors)
    return {"schemas": [RESPONSE_URN], "Operations": [results[number] for number in sorted(results)]}


class _Plan:
    """In which order jobs are done: each looked at once for everything it waits for."""

    def __init__(self, jobs: list[_Job]) -> None:
        self._left = {job.number: job for job in jobs}
        self._owners = {job.bulk_id: job.number for job in jobs if job.bulk_id and not job.is_repeated}
        self._waits = {
            job.number: {self._owners[name] for name in job.needs if name in self._owners} for job in jobs
        }
        self._waited_for: dict[int, list[int]] = {}
        for number, others in self._waits.items():
            for other in others:
                self._waited_for.setdefault(other, []).append(number)
        self._ready = [number for number, others in self._waits.items() if not others]
        heapify(self._ready)

    def next_one(self) -> _Job | None:
        """The first that waits for nothing; when all that are left wait, one that waits for itself in the end."""
        while self._ready:
            if (number := heappop(self._ready)) in self._left:
                return self._left[number]
        if not self._left:
            return None
        number, seen = min(self._left), set[int]()
        while number not in seen:
            seen.add(number)
            number = min(self._waits[number])
        return self._left[number]

    def waits(self, job: _Job) -> bool:
        """Whether something is still to be done before this one."""
        return bool(self._waits[job.number])

    def finish(self, job: _Job) -> None:
        """Let those go on that waited for it, whatever came of it."""
        del self._left[job.number]
        for number in self._waited_for.get(job.number, ()):
            self._waits[number].discard(job.number)
            if not self._waits[number] and number in self._left:
                heappush(self._ready, number)


def _jobs(operations: list[dict[str, Any]]) -> list[_Job]:
    jobs, taken = [], set[str]()
    for number, raw in enumerate(operations):
        values = {str(key).lower(): value for key, value in raw.items()}
        bulk_id = values.get("bulkid") or ""
        job = _Job(
            number, values, str(values.get("method", "")).upper(), str(bulk_id)[: _LONGEST_BULK_ID + 1]
        )
        job.is_repeated = bool(job.bulk_id) and job.bulk_id in taken
        job.needs = _references(values.get("path")) | _references(_referring(job))
        taken.add(job.bulk_id)
        jobs.append(job)
    return jobs


def _referring(job: _Job) -> Any:
    """What of an operation's data can name another's resource that we keep: a group's members.

    A person names others too (their manager); that is not kept, so two who manage each other wait for nobody.
    """
    path = job.raw.get("path")
    is_group = isinstance(path, str) and path.strip("/").lower().startswith("groups")
    return job.raw.get("data") if is_group else None


def _references(value: Any) -> set[str]:
    if isinstance(value, str):
        return set(_REFERENCE.findall(value))
    if isinstance(value, dict):
        named = (each for key, each in value.items() if str(key).lower() not in _TEXTS)
        return set().union(*map(_references, named))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    return set()


def _resolved(value: Any, made: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: made.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {
            key: each if str(key).lower() in _TEXTS else _resolved(each, made) for key, each in value.items()
        }
    if isinstance(value, list):
        return [_resolved(each, made) for each in value]
    return value


def _performed(job: _Job, made: dict[str, str], perform: Perform) -> Done:
    path, data = job.raw.get("path"), job.raw.get("data")
    if job.method not in _METHODS or not isinstance(path, str) or not path:
        return _failed(400, "An operation needs a method and a path.", "invalidSyntax")
    if job.method == "POST" and not job.bulk_id:
        return _failed(400, "A POST needs a bulkId.", "invalidValue")
    if len(job.bulk_id) > _LONGEST_BULK_ID:
        return _failed(400, f"A bulkId has {_LONGEST_BULK_ID} characters at most.", "invalidValue")
    if job.is_repeated:
        return _failed(400, "A bulkId is used once.", "invalidValue")
    if unknown := job.needs - set(made):
        return _failed(409, f"Nothing was made as bulkId:{min(unknown)}.", "invalidValue")
    return perform(
        Operation(
            method=job.method,
            path="/" + _resolved(path, made).strip("/"),
            data=_resolved(data, made) if _referring(job) is not None else data,
            version=str(job.raw.get("version") or ""),
        )
    )


def _failed(status: int, detail: str, keyword: str = "") -> Done:
    return Done(status=status, problem=Problem(status, detail, keyword))


def _result(job: _Job, done: Done) -> dict[str, Any]:
    found: dict[str, Any] = {"method": job.method, "status": str(done.status)}
    if job.bulk_id:
        found["bulkId"] = job.bulk_id
    if done.location:
        found["location"] = done.location
    if done.version:
        found["version"] = done.version
    if done.problem is not None:
        found["response"] = done.problem.document()
    return found
