"""Keyset pages for the API: `next` and `previous` addresses, never a page number."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from tenants.foundation.errors import InvalidInput
from tenants.foundation.keyset import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, keyset_page

if TYPE_CHECKING:
    # The framework reads its default classes, this one too, while that module is being imported.
    from rest_framework.views import APIView


PAGE_PARAMETERS: Final = frozenset({"cursor", "page_size", "sort"})


class KeysetPagination(BasePagination):
    """Pages by (sort value, id). A view names its orders:

    `keyset_sorts = {"created": "created_at", "due": "due_on"}` public name → field or annotation, and
    `keyset_default_sort = "-created"`. Without them a list goes by id, the newest first.
    Query parameters: `sort`, `cursor`, `page_size` (1..100, 50 if not given).
    """

    default_sorts: Mapping[str, str] = {"id": "id"}
    default_sort = "-id"

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        """Return the rows of the page. Raises: InvalidInput for a wrong cursor, sort or page size."""
        sorts = getattr(view, "keyset_sorts", self.default_sorts)
        default_sort = getattr(view, "keyset_default_sort", self.default_sort)
        self._request = request
        self._page: Page[Any] = keyset_page(
            queryset,
            sort=request.query_params.get("sort") or default_sort,
            sorts=sorts,
            cursor=request.query_params.get("cursor"),
            size=_page_size(request.query_params.get("page_size")),
        )
        return self._page.rows

    def get_paginated_response(self, data: Any) -> Response:
        """Wrap a page: `results`, `next`, `previous` (addresses or null)."""
        return Response(
            {
                "results": data,
                "next": self._address(self._page.next_cursor),
                "previous": self._address(self._page.previous_cursor),
            }
        )

    def _address(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        here = remove_query_param(self._request.build_absolute_uri(), "cursor")
        return replace_query_param(here, "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page for OpenAPI."""
        link = {"type": "string", "format": "uri", "nullable": True, "example": None}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        """Describe the query parameters for OpenAPI."""
        sorts = sorted(getattr(view, "keyset_sorts", self.default_sorts))
        choices = [*sorts, *(f"-{name}" for name in sorts)]
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
        cursor = "Where the page begins, as given in `next` or `previous`."
        return [
            _parameter("cursor", {"type": "string", "minLength": 1, "maxLength": 1024}, cursor),
            _parameter("page_size", size, "How many results a page has."),
            _parameter("sort", {"type": "string", "enum": choices}, "The order; `-` means descending."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _page_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        msg = f"Give a whole number from 1 to {MAX_PAGE_SIZE}."
        raise InvalidInput(msg, code="invalid_input.page_size", fields={"page_size": [msg]})
    return int(text)
