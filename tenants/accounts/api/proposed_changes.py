"""`/api/v1/proposed-changes/`: changes that wait for a second person, and what came of them."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Actor
from tenants.accounts.access.changes import all_kinds, change_kind
from tenants.accounts.access.checks import require_any
from tenants.accounts.access.deciding import approve_change, may_decide, refuse_change, withdraw_change
from tenants.accounts.access.proposals import visible_changes
from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.models import ProposedChange
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
_STATES = [state.value for state in ProposedChange.State]


class DiffLineSerializer(serializers.Serializer[Any]):
    """One thing that changes, in words people read."""

    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class ProposedChangeSerializer(serializers.Serializer[Any]):
    """A change one person proposed."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="What kind of change it is, for programs.")
    title = serializers.SerializerMethodField()
    permission = serializers.SerializerMethodField(
        help_text="What whoever agrees has to hold, as whoever proposed."
    )
    target_id = serializers.UUIDField(allow_null=True)
    target_name = serializers.CharField()
    diff = DiffLineSerializer(many=True)
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=ProposedChange.State.choices)
    is_alone = serializers.BooleanField(help_text="Made by one person: nobody else could have agreed.")
    proposed_by_id = serializers.UUIDField(allow_null=True)
    proposed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    decided_by_id = serializers.UUIDField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    can_decide = serializers.SerializerMethodField(help_text="Whether the caller may agree or refuse.")

    @extend_schema_field(serializers.CharField())
    def get_title(self, change: ProposedChange) -> str:
        """What changes, in words."""
        kind = change_kind(change.kind)
        return str(kind.label) if kind else change.kind

    @extend_schema_field(serializers.CharField())
    def get_permission(self, change: ProposedChange) -> str:
        """The permission it takes."""
        kind = change_kind(change.kind)
        return kind.permission if kind else ""

    @extend_schema_field(serializers.BooleanField())
    def get_can_decide(self, change: ProposedChange) -> bool:
        """Whether the caller could be the second person."""
        return may_decide(change, self.context["actor"])


class RefusalSerializer(StrictSerializer):
    """Why not."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


def shown_change(request: Request, change: ProposedChange) -> Any:
    """A change as the API shows it to its caller."""
    return ProposedChangeSerializer(change, context={"actor": _actor(request)}).data


def waiting_answer(request: Request, change: ProposedChange) -> Response:
    """Answer a request whose change waits for a second person: accepted, and where it waits."""
    headers = {"Location": f"/api/v1/proposed-changes/{change.pk}/"}
    return Response(shown_change(request, change), status=202, headers=headers)


@extend_schema_view(retrieve=extend_schema(parameters=[ID], responses=ProposedChangeSerializer))
class ProposedChangeViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ProposedChange]):
    """Changes one may see: one's own, those one may agree to, all for who looks over access."""

    queryset = ProposedChange.objects.none()
    serializer_class = ProposedChangeSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"proposed": "proposed_at"}
    keyset_default_sort = "-proposed"
    query_parameters = {"list": PAGE_PARAMETERS | {"state"}}
    # Each kind of change has its own permission: `visible_changes` and the services ask for it.
    permission_codes = dict.fromkeys(("list", "retrieve", "approve", "refuse", "withdraw"), ANYBODY)
    problem_statuses = {"approve": (404, 409), "refuse": (404, 409), "withdraw": (404, 409)}

    @extend_schema(parameters=[OpenApiParameter("state", enum=_STATES)])
    def list(self, request: Request) -> Response:
        """List changes, the newest first."""
        _require_one(request)
        rows = visible_changes(actor=_actor(request)).order_by()
        if state := request.query_params.get("state"):
            if state not in _STATES:
                raise InvalidInput(fields={"state": ["There is no such state."]})
            rows = rows.filter(state=state)
        page = self.paginate_queryset(rows)
        context = {"actor": _actor(request)}
        return self.get_paginated_response(ProposedChangeSerializer(page, many=True, context=context).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one change."""
        return Response(shown_change(request, _found(request, id)))

    @extend_schema(parameters=[ID], request=None, responses=ProposedChangeSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: UUID) -> Response:
        """Agree to somebody else's change; it is carried out now. Only a person who is signed in can."""
        return Response(
            shown_change(request, approve_change(change=_found(request, id), actor=_actor(request)))
        )

    @extend_schema(parameters=[ID], request=RefusalSerializer, responses=ProposedChangeSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, id: UUID) -> Response:
        """Say no to somebody else's change. Only a person who is signed in can."""
        body = RefusalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        note = body.validated_data["note"]
        changed = refuse_change(change=_found(request, id), actor=_actor(request), note=note)
        return Response(shown_change(request, changed))

    @extend_schema(parameters=[ID], request=None, responses=ProposedChangeSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, id: UUID) -> Response:
        """Take one's own proposal back."""
        return Response(
            shown_change(request, withdraw_change(change=_found(request, id), actor=_actor(request)))
        )


def _require_one(request: Request) -> None:
    require_any(_actor(request), ["accounts.view_access", *(kind.permission for kind in all_kinds())])


def _found(request: Request, change_id: UUID) -> ProposedChange:
    _require_one(request)
    found: ProposedChange = get_object_or_404(visible_changes(actor=_actor(request)), pk=change_id)
    return found


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
