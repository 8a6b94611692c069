"""Query parameters: those an address does not know, repeats and empty ones are refused, never ignored."""

from collections.abc import Collection, Mapping
from typing import Any

from rest_framework.request import Request

from tenants.foundation.errors import InvalidInput


class KnownParameters:
    """For API views: refuses a query string the view does not understand. Put it before the view class.

    `query_parameters = {"list": {"status", "cursor"}}` names by action (or by method) what may be given;
    `repeatable_parameters` those of them that may be given more than once. A mistyped filter that were
    ignored would answer with everything.
    """

    query_parameters: Mapping[str, Collection[str]] = {}
    repeatable_parameters: Collection[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look at the query once the caller is known and allowed. Raises: InvalidInput, naming each."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if not hasattr(self, (request.method or "").lower()):
            return  # answered 405, whatever the query
        known = self.query_parameters.get(getattr(self, "action", None) or request.method or "", ())
        problems: dict[str, list[str]] = {}
        for name, values in request.query_params.lists():
            if name not in known:
                problems[name] = ["There is no such parameter."]
            elif len(values) > 1 and name not in self.repeatable_parameters:
                problems[name] = ["Give this parameter once."]
            elif "" in values:
                problems[name] = ["Give a value, or leave the parameter out."]
        if problems:
            message = "The query of this address is not right."
            raise InvalidInput(message, code="invalid_input.query", fields=problems)
