"""Many operations in one message: each in a transaction of its own, in the order their references allow."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from scim2_models import (
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
)

from tenants.accounts.scim.errors import Problem
from tenants.accounts.scim.schemas import MOST_OPERATIONS

log = structlog.get_logger(__name__)

RESPONSE_URN: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_REFERENCE: Final = re.compile(r"bulkId:([^\s\"/]{1,200})")
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


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


@dataclass(slots=True)
class _Job:
    number: int
    raw: dict[str, Any]
    method: str
    bulk_id: str
    needs: set[str] = field(default_factory=set)


def operations_of(payload: object) -> tuple[list[dict[str, Any]], int]:
    """Return a bulk request's operations and how many errors it bears (0: any number).

    Raises: SCIMException (malformed, too many).
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
    return operations, limit


def run(operations: list[dict[str, Any]], fail_on_errors: int, perform: Perform) -> dict[str, Any]:
    """Perform the operations and return the response.

    An operation that names another's resource (`bulkId:…`) waits for it, whatever their order; a circle of them is a
    conflict. After `fail_on_errors` errors the rest is left undone and not in the response.
    """
    jobs = [_job(number, raw) for number, raw in enumerate(operations)]
    made: dict[str, str] = {}
    known = {job.bulk_id for job in jobs if job.bulk_id}
    results: dict[int, dict[str, Any]] = {}
    waiting, errors = jobs, 0
    while waiting:
        ready = [job for job in waiting if not (job.needs & known) - set(made)]
        # Nobody is ready: what they wait for failed, or waits for them.
        for job in ready or waiting[:1]:
            done = _performed(job, made, perform) if ready else _stuck(job)
            results[job.number] = _result(job, done)
            if done.problem is not None:
                errors += 1
                known.discard(job.bulk_id)
            elif job.bulk_id:
                made[job.bulk_id] = done.id
            if fail_on_errors and errors >= fail_on_errors:
                break
        else:
            finished = {job.number for job in (ready or waiting[:1])}
            waiting = [job for job in waiting if job.number not in finished]
            continue
        break
    log.info("scim.bulk_done", operations=len(jobs), performed=len(results), errors=errors)
    return {"schemas": [RESPONSE_URN], "Operations": [results[number] for number in sorted(results)]}


def _job(number: int, raw: dict[str, Any]) -> _Job:
    values = {str(key).lower(): value for key, value in raw.items()}
    method, bulk_id = str(values.get("method", "")).upper(), values.get("bulkid") or ""
    return _Job(number, values, method, str(bulk_id), needs=set(_references(values)))


def _references(value: Any) -> set[str]:
    if isinstance(value, str):
        return set(_REFERENCE.findall(value))
    if isinstance(value, dict):
        return set().union(*(_references(each) for key, each in value.items() if key != "bulkid"))
    if isinstance(value, list):
        return set().union(*map(_references, value)) if value else set()
    return set()


def _resolved(value: Any, made: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: made.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {key: _resolved(each, made) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, made) for each in value]
    return value


def _performed(job: _Job, made: dict[str, str], perform: Perform) -> Done:
    path = job.raw.get("path")
    if job.method not in _METHODS or not isinstance(path, str) or not path:
        return _failed(400, "An operation needs a method and a path.", "invalidSyntax")
    if job.method == "POST" and not job.bulk_id:
        return _failed(400, "A POST needs a bulkId.", "invalidValue")
    if job.bulk_id and job.bulk_id in made:
        return _failed(400, "A bulkId is used once.", "invalidValue")
    if unknown := job.needs - set(made):
        return _failed(409, f"Nothing was made as bulkId:{min(unknown)}.", "invalidValue")
    return perform(
        Operation(
            method=job.method,
            path="/" + _resolved(path, made).strip("/"),
            data=_resolved(job.raw.get("data"), made),
            version=str(job.raw.get("version") or ""),
        )
    )


def _stuck(job: _Job) -> Done:
    return _failed(409, "Operations wait for one another in a circle.", "")


def _failed(status: int, detail: str, keyword: str) -> Done:
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
