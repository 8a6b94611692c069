"""`/scim/v2/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`: what we can do, and which attributes we keep."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from scim2_models import Context, ForbiddenException, Meta, NotImplementedException

from tenants.accounts.api.scim.door import ScimView
from tenants.accounts.api.scim.resources import LIST_URN
from tenants.accounts.scim.resources import base_address
from tenants.accounts.scim.schemas import MOST_OPERATIONS, PROVIDER, service_config
from tenants.tenancy import atomic


class ConfigView(ScimView):
    """What we can do."""

    kind = "ServiceProviderConfig"

    def get(self, request: Request) -> Response:
        """Say it."""
        # A message with more than a minute holds would never pass.
        most = min(MOST_OPERATIONS, self.directory.requests_per_minute)
        return Response(
            _dumped(service_config(most), "ServiceProviderConfig", "/ServiceProviderConfig", _base())
        )


class SchemasView(ScimView):
    """The attributes we keep."""

    kind = "Schemas"

    def get(self, request: Request, id: str = "") -> Response:
        """Show all schemas, or one."""
        _refuse_filter(request)
        base = _base()
        shown = {
            str(schema.id): _dumped(schema, "Schema", f"/Schemas/{schema.id}", base)
            for schema in PROVIDER.schemas
        }
        return _answer(shown, id)


class ResourceTypesView(ScimView):
    """The kinds of resources there are."""

    kind = "ResourceTypes"

    def get(self, request: Request, id: str = "") -> Response:
        """Show all kinds, or one."""
        _refuse_filter(request)
        base = _base()
        shown = {
            str(kind.id): _dumped(kind, "ResourceType", f"/ResourceTypes/{kind.id}", base)
            for kind in PROVIDER.resource_types
        }
        return _answer(shown, id)


class MissingView(ScimView):
    """Every other address: nothing, said in SCIM's words."""

    def handle(self, request: Request, **_kwargs: Any) -> Response:
        """Say so. Raises: Http404."""
        raise Http404

    get = post = put = patch = delete = handle


class MeView(ScimView):
    """`/Me`: a directory is nobody's user."""

    def handle(self, request: Request) -> Response:
        """Say so. Raises: NotImplementedException."""
        raise NotImplementedException(detail="A directory is no person: there is no /Me.")

    get = post = put = patch = delete = handle


def _refuse_filter(request: Request) -> None:
    # RFC 7644, section 4.
    if "filter" in request.query_params:
        raise ForbiddenException(detail="What is said of the service cannot be filtered.")


def _base() -> str:
    with atomic():
        return base_address()


def _dumped(resource: Any, kind: str, path: str, base: str) -> dict[str, Any]:
    body: dict[str, Any] = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    meta = Meta(resource_type=kind, location=f"{base}{path}")
    body["meta"] = meta.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return body


def _answer(shown: dict[str, dict[str, Any]], wanted: str) -> Response:
    if not wanted:
        found: Sequence[dict[str, Any]] = list(shown.values())
        count = len(found)
        return Response(
            {
                "schemas": [LIST_URN],
                "totalResults": count,
                "startIndex": 1,
                "itemsPerPage": count,
                "Resources": found,
            }
        )
    by_name = {name.lower(): body for name, body in shown.items()}
    if wanted.lower() not in by_name:
        raise Http404
    return Response(by_name[wanted.lower()])
