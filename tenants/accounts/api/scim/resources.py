"""`/scim/v2/Users` and `/scim/v2/Groups`: lists, searches, and one resource at a time."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from scim2_models import Context, InvalidSyntaxException, ListResponse

from tenants.accounts.api.scim.door import ScimView
from tenants.accounts.models import ScimDirectory, ScimGroup, ScimPerson
from tenants.accounts.scim import groups, people
from tenants.accounts.scim.listing import Page, page_of, page_of_all, search_of, search_of_all, wants
from tenants.accounts.scim.resources import (
    base_address,
    etag,
    group_resource,
    members_of,
    person_resource,
)
from tenants.accounts.scim.schemas import Group, Person
from tenants.accounts.scim.shapes import resource_of
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic

PLURALS: Final = {"User": "Users", "Group": "Groups"}
_SEARCH_WORDS: Final = (
    "filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes",
)  # fmt: skip
LIST_URN: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


class ListView(ScimView):
    """All resources of a kind, and making one."""

    def get(self, request: Request) -> Response:
        """List, filter, sort and page."""
        return Response(listed(self.directory, self.kind, query_of(request)))

    def post(self, request: Request) -> Response:
        """Make a resource."""
        row = create(self.directory, self.kind, request.data)
        return shown(row, query_of(request), status=201)


class SearchView(ScimView):
    """The same question as a list, in a body."""

    def post(self, request: Request) -> Response:
        """Answer it."""
        if not isinstance(request.data, dict):
            raise InvalidSyntaxException
        return Response(listed(self.directory, self.kind, request.data))


class EverythingView(ScimView):
    """People and groups together: the root of the service, and its search."""

    def get(self, request: Request) -> Response:
        """List, filter and page."""
        return self._answer(query_of(request))

    def post(self, request: Request) -> Response:
        """Answer the same question in a body."""
        if not isinstance(request.data, dict):
            raise InvalidSyntaxException
        return self._answer(request.data)

    def _answer(self, query: dict[str, Any]) -> Response:
        asked = search_of_all(query)
        with atomic():
            page = page_of_all(self.directory, asked, base=base_address())
        return Response(list_document(page, asked))


class OneView(ScimView):
    """One resource."""

    def get(self, request: Request, id: str) -> Response:
        """Show it, or say that it is as it was."""
        asked = search_of(query_of(request), self.kind)
        with atomic():
            row = found(self.directory, self.kind, id)
            if is_known(request, row.version):
                return Response(status=304, headers={"ETag": etag(row.version)})
            return shown(row, query_of(request), asked=asked)

    def put(self, request: Request, id: str) -> Response:
        """Replace it."""
        row = replace(self.directory, self.kind, id, request.data, if_match(request))
        return shown(row, query_of(request))

    def patch(self, request: Request, id: str) -> Response:
        """Change parts of it. A group is not sent back unless some of it is asked for: it may be large."""
        row = patch(self.directory, self.kind, id, request.data, if_match(request))
        query = query_of(request)
        if self.kind == "Group" and not {"attributes", "excludedAttributes"} & set(query):
            return Response(status=204, headers={"ETag": etag(row.version)})
        return shown(row, query)

    def delete(self, request: Request, id: str) -> Response:
        """Take it away."""
        remove(self.directory, self.kind, id, if_match(request))
        return Response(status=204)


def create(directory: ScimDirectory, kind: str, payload: object) -> ScimPerson | ScimGroup:
    """Make a resource out of a body."""
    resource = resource_of(payload, kind, Context.RESOURCE_CREATION_REQUEST)
    if kind == "User":
        return people.create_person(directory, resource)
    return groups.create_group(directory, resource)


def replace(
    directory: ScimDirectory, kind: str, text: str, payload: object, match: str
) -> ScimPerson | ScimGroup:
    """Replace a resource by a body."""
    number = id_of(text)
    resource = resource_of(payload, kind, Context.RESOURCE_REPLACEMENT_REQUEST)
    if kind == "User":
        return people.replace_person(directory, number, resource, if_match=match)
    return groups.replace_group(directory, number, resource, if_match=match)


def patch(directory: ScimDirectory, kind: str, text: str, payload: Any, match: str) -> ScimPerson | ScimGroup:
    """Change parts of a resource."""
    number = id_of(text)
    if kind == "User":
        return people.patch_person(directory, number, payload, if_match=match)
    return groups.patch_group(directory, number, payload, if_match=match)


def remove(directory: ScimDirectory, kind: str, text: str, match: str) -> None:
    """Take a resource away."""
    number = id_of(text)
    if kind == "User":
        people.delete_person(directory, number, if_match=match)
    else:
        groups.delete_group(directory, number, if_match=match)


def found(directory: ScimDirectory, kind: str, text: str) -> Any:
    """One row of the directory. Raises: NotFound."""
    number = id_of(text)
    return people.shown_person(directory, number) if kind == "User" else groups.shown_group(directory, number)


def id_of(text: str) -> UUID:
    """Read an id. Raises: NotFound: what is none is nothing's."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such resource.", code="not_found.scim") from None


def shown(row: Any, query: dict[str, Any], *, status: int = 200, asked: Any = None) -> Response:
    """Answer with a resource, by the attributes that are asked for."""
    kind = "User" if isinstance(row, ScimPerson) else "Group"
    asked = asked or search_of(query, kind)
    with atomic():
        base = base_address()
        if isinstance(row, ScimPerson):
            if not hasattr(row.user, "scim_memberships"):
                row = people.shown_person(row.directory, row.user_id)
            resource = person_resource(row, base)
        else:
            members = members_of([row])[row.group_id] if wants(asked, kind, "members") else None
            resource = group_resource(row, base, members)
    context = Context.RESOURCE_CREATION_RESPONSE if status == 201 else Context.RESOURCE_QUERY_RESPONSE
    body = resource.model_dump(scim_ctx=context, response_parameters=asked)
    headers = {"ETag": etag(row.version)}
    if status == 201:
        headers["Location"] = resource.meta.location
    return Response(body, status=status, headers=headers)


def listed(directory: ScimDirectory, kind: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a question with a page of resources."""
    asked = search_of(dict(query), kind)
    with atomic():
        page = page_of(directory, kind, asked, base=base_address())
    return list_document(page, asked)


def list_document(page: Page, asked: Any) -> dict[str, Any]:
    """A ListResponse."""
    model: Any = ListResponse.__class_getitem__(Person | Group)
    made = model(
        total_results=page.total,
        start_index=page.start,
        items_per_page=len(page.resources),
        next_cursor=page.next_cursor,
    )
    body: dict[str, Any] = made.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    body["Resources"] = [
        each.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
        for each in page.resources
    ]
    return body


def query_of(request: Request) -> dict[str, Any]:
    """The words of a question in a query string; others are passed over, as the RFC has it."""
    given = request.query_params
    return {name: given[name] for name in _SEARCH_WORDS if name in given}


def if_match(request: Request) -> str:
    """The versions a change may be made of; empty for any."""
    return request.headers.get("If-Match", "")


def is_known(request: Request, version: int) -> bool:
    """Whether the asker has this version already."""
    known = {each.strip() for each in request.headers.get("If-None-Match", "").split(",")}
    return "*" in known or etag(version) in known
