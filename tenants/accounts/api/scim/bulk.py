"""`/scim/v2/Bulk`: many operations in one message."""

from time import monotonic
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.accounts.api.scim import resources
from tenants.accounts.api.scim.door import ScimView, note_refusal, problem_for
from tenants.accounts.models import ScimDirectory, ScimPerson
from tenants.accounts.scim import bulk, bulk_sizes
from tenants.accounts.scim.errors import Problem
from tenants.accounts.scim.resources import base_address, etag
from tenants.accounts.scim.tokens import spend
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


class BulkView(ScimView):
    """Performs operations one after the other, each as it would be alone."""

    kind = "Bulk"

    def post(self, request: Request) -> Response:
        """Perform them."""
        operations, limit = bulk.operations_of(request.data)
        # Each counts like a request, a large one like several; the message itself was counted at the door.
        spend(self.directory, bulk_sizes.cost_of(operations) - 1)
        over_at = monotonic() + bulk_sizes.MOST_SECONDS
        with atomic():
            base = base_address()
        perform = Performer(self.directory, base)
        return Response(bulk.run(operations, limit, perform, is_over=lambda: monotonic() > over_at))


class Performer:
    """Performs single operations for a directory."""

    def __init__(self, directory: ScimDirectory, base: str) -> None:
        self._directory, self._base = directory, base

    def __call__(self, operation: bulk.Operation) -> bulk.Done:
        """Perform one; a refusal is part of the answer, and so is what failed on our side: the others were done."""
        plural, _, number = operation.path.lstrip("/").partition("/")
        kind = next((kind for kind, name in resources.PLURALS.items() if name == plural), "")
        location = f"{self._base}/{plural}/{number}" if number else ""
        if not kind or bool(number) is (operation.method == "POST"):
            detail = f"{operation.method} {operation.path} is no operation."
            return bulk.Done(status=400, location=location, problem=Problem(400, detail, "invalidPath"))
        try:
            return self._performed(operation, kind, number)
        except Exception as error:
            problem = problem_for(error)
            if problem is None:
                log.exception("scim.bulk_operation_failed", method=operation.method, kind=kind)
                is_away = isinstance(error, OperationalError | InterfaceError)
                problem = Problem(
                    503 if is_away else 500, "Not done: this failed on our side. Send it again."
                )
                return bulk.Done(status=problem.status, location=location, problem=problem)
            note_refusal(error, problem, self._directory, method=operation.method, kind=kind)
            return bulk.Done(status=problem.status, location=location, problem=problem)

    def _performed(self, operation: bulk.Operation, kind: str, number: str) -> bulk.Done:
        directory, data, version = self._directory, operation.data, operation.version
        row: Any
        match operation.method:
            case "POST":
                row = resources.create(directory, kind, data)
            case "PUT":
                row = resources.replace(directory, kind, number, data, version)
            case "PATCH":
                row = resources.patch(directory, kind, number, data, version)
            case _:
                resources.remove(directory, kind, number, version)
                return bulk.Done(status=204, location=f"{self._base}{operation.path}")
        made = str(row.user_id if isinstance(row, ScimPerson) else row.group_id)
        return bulk.Done(
            status=201 if operation.method == "POST" else 200,
            id=made,
            location=f"{self._base}/{resources.PLURALS[kind]}/{made}",
            version=etag(row.version),
        )
