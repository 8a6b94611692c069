"""`/api/v1/tasks/{key}/shares/` and `/api/v1/projects/{id}/shares/`: single objects shared with people and groups."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tasks.guarding import SHAREABLE
from tasks.models import Project, Task
from tasks.selectors import visible_project, visible_task
from tasks.sharing import Shared, holder_of, share, shares_of, unshare
from tenants.accounts.access import Actor
from tenants.accounts.models import User
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput

HOLDER = [
    OpenApiParameter("user_id", OpenApiTypes.UUID, description="The person; or else the group."),
    OpenApiParameter("group_id", OpenApiTypes.UUID, description="The group; or else the person."),
]


class ShareSerializer(serializers.Serializer[Any]):
    """With whom an object is shared, and what they may do with it."""

    user_id = serializers.UUIDField(allow_null=True)
    group_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=SHAREABLE))
    expires_at = serializers.DateTimeField(allow_null=True)
    granted_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewShareSerializer(StrictSerializer):
    """What one person or one group shall be able to do with the object: this, and no more."""

    user_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    group_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    permissions = serializers.ListField(
        child=serializers.ChoiceField(choices=SHAREABLE), required=False, default=list
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


def _project_by(*, actor: Actor, id: UUID) -> Project:
    return visible_project(actor=actor, project_id=id)


class _SharesView(KnownParameters, IdempotentPosts, APIView):
    permission_codes = {"GET": "tasks.share", "POST": "tasks.share", "DELETE": "tasks.share"}
    query_parameters = {"DELETE": {"user_id", "group_id"}}

    # How the object of an address is found for its reader.
    find: ClassVar[Callable[..., Task | Project]]

    def _thing(self, request: Request, **named: Any) -> Task | Project:
        return type(self).find(actor=_actor(request), **named)

    @extend_schema(responses=ShareSerializer(many=True))
    def get(self, request: Request, **named: Any) -> Response:
        """List with whom it is shared."""
        shares = shares_of(thing=self._thing(request, **named), actor=_actor(request))
        return Response(ShareSerializer([_shown(each) for each in shares], many=True).data)

    @extend_schema(request=NewShareSerializer, responses={201: ShareSerializer})
    def post(self, request: Request, **named: Any) -> Response:
        """Share it; what was shared with the same one before is replaced. Seeing is always part of it."""
        thing = self._thing(request, **named)
        body = NewShareSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        shared = share(
            thing=thing,
            holder=holder_of(user_id=data["user_id"], group_id=data["group_id"]),
            codes=data["permissions"],
            expires_at=data["expires_at"],
            actor=_actor(request),
        )
        return Response(ShareSerializer(_shown(shared)).data, status=201)

    @extend_schema(parameters=HOLDER, responses={204: None})
    def delete(self, request: Request, **named: Any) -> Response:
        """Take back what was shared with one person or group. Repeating it changes nothing."""
        thing = self._thing(request, **named)
        holder = holder_of(user_id=_uuid(request, "user_id"), group_id=_uuid(request, "group_id"))
        unshare(thing=thing, holder=holder, actor=_actor(request))
        return Response(status=204)


class TaskSharesView(_SharesView):
    """With whom a task is shared."""

    find = staticmethod(visible_task)


class ProjectSharesView(_SharesView):
    """With whom a project and its tasks are shared."""

    find = staticmethod(_project_by)


def _shown(shared: Shared) -> dict[str, Any]:
    is_person = isinstance(shared.holder, User)
    return {
        "user_id": shared.holder.pk if is_person else None,
        "group_id": None if is_person else shared.holder.pk,
        "name": str(shared.holder),
        "permissions": list(shared.codes),
        "expires_at": shared.expires_at,
        "granted_by_id": shared.granted_by_id,
        "created_at": shared.created_at,
    }


def _uuid(request: Request, name: str) -> UUID | None:
    text = request.query_params.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput(fields={name: ["There is no such thing."]}) from None


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
