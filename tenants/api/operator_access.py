"""`/api/v1/support-access/` of a company, `/api/v1/operator-grants/` of the platform: who asked to come in."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from tenants.accounts.access import Actor, UserActor
from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.support.visits import visits_under
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.models import OperatorGrant
from tenants.operator_access import asking, deciding
from tenants.permissions import DECIDE_SUPPORT, VIEW_SUPPORT
from tenants.tenancy import atomic, outside_transaction

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class OperatorGrantSerializer(serializers.Serializer[Any]):
    """A request to come in, and what became of it."""

    id = serializers.UUIDField()
    company_id = serializers.UUIDField(source="tenant_id")
    operator_name = serializers.CharField()
    operator_email = serializers.CharField()
    reason = serializers.CharField()
    ticket = serializers.CharField()
    wanted_role = serializers.ChoiceField(choices=OperatorGrant.Role.choices)
    wanted_minutes = serializers.IntegerField()
    state = serializers.ChoiceField(choices=OperatorGrant.State.choices)
    role = serializers.CharField(help_text="What the company gave; empty when it gave nothing.")
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True, help_text="From then on the grant is worth nothing.")
    ended_by = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    asked_at = serializers.DateTimeField()


class SupportActionSerializer(serializers.Serializer[Any]):
    """Something an operator did or tried beyond reading."""

    at = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField()
    request_id = serializers.CharField()


class SupportVisitSerializer(serializers.Serializer[Any]):
    """One entry under a grant."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=OperatorGrant.Role.choices)
    entered_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_because = serializers.CharField()
    actions = SupportActionSerializer(many=True, source="actions.all")


class SupportAccessSerializer(OperatorGrantSerializer):
    """A request with the visits made under it."""

    visits = serializers.SerializerMethodField()

    @extend_schema_field(SupportVisitSerializer(many=True))
    def get_visits(self, grant: OperatorGrant) -> Any:
        """What was done."""
        return SupportVisitSerializer(visits_under(grant.pk), many=True).data


class ApprovalSerializer(StrictSerializer):
    """What the company gives: at most what was asked for."""

    role = serializers.ChoiceField(choices=OperatorGrant.Role.choices)
    minutes = serializers.IntegerField(min_value=asking.LEAST_MINUTES, max_value=asking.MOST_MINUTES)


class OperatorRuleSerializer(StrictSerializer):
    """Whether operators may ask at all."""

    is_shut = serializers.BooleanField()


class GrantRequestSerializer(StrictSerializer):
    """What an operator tells a company."""

    company_id = serializers.UUIDField()
    reason = serializers.CharField(max_length=asking.LONGEST_REASON)
    ticket = serializers.CharField(max_length=80, required=False, allow_blank=True)
    role = serializers.ChoiceField(choices=OperatorGrant.Role.choices)
    minutes = serializers.IntegerField(min_value=asking.LEAST_MINUTES, max_value=asking.MOST_MINUTES)


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _operator(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


@extend_schema_view(retrieve=extend_schema(parameters=[ID], responses=SupportAccessSerializer))
class SupportAccessViewSet(KnownParameters, IdempotentPosts, GenericViewSet[OperatorGrant]):
    """The operators who asked this company, the newest first. Decisions are a person's, by a session."""

    queryset = OperatorGrant.objects.none()
    serializer_class = OperatorGrantSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"asked": "asked_at"}
    keyset_default_sort = "-asked"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"approve": (409,), "refuse": (409,), "revoke": (409,)}
    permission_codes = {
        "list": VIEW_SUPPORT, "retrieve": VIEW_SUPPORT, "approve": DECIDE_SUPPORT, "refuse": DECIDE_SUPPORT,
        "revoke": DECIDE_SUPPORT,
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        """List the requests a page at a time."""
        page = self.paginate_queryset(deciding.visible_grants(actor=_actor(request)).order_by())
        return self.get_paginated_response(OperatorGrantSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """One request, with everything that was done under it."""
        grant = get_object_or_404(deciding.visible_grants(actor=_actor(request)), pk=id)
        return Response(SupportAccessSerializer(grant).data)

    @extend_schema(parameters=[ID], request=ApprovalSerializer, responses={200: OperatorGrantSerializer})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: UUID) -> Response:
        """Let the operator in from now on."""
        asked = ApprovalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        grant = deciding.approve(grant_id=id, actor=_actor(request), **asked.validated_data)
        return Response(OperatorGrantSerializer(grant).data)

    @extend_schema(parameters=[ID], request=None, responses={200: OperatorGrantSerializer})
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, id: UUID) -> Response:
        """Let the operator not in."""
        return Response(OperatorGrantSerializer(deciding.refuse(grant_id=id, actor=_actor(request))).data)

    @extend_schema(parameters=[ID], request=None, responses={200: OperatorGrantSerializer})
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: UUID) -> Response:
        """Send the operator away at once."""
        return Response(OperatorGrantSerializer(deciding.revoke(grant_id=id, actor=_actor(request))).data)


class SupportAccessRuleViewSet(KnownParameters, ViewSet):
    """Whether operators may ask this company."""

    query_parameters: dict[str, tuple[str, ...]] = {}
    permission_codes = {"retrieve": VIEW_SUPPORT, "update": DECIDE_SUPPORT}

    @extend_schema(responses={200: OperatorRuleSerializer}, operation_id="support_access_rule_retrieve")
    def retrieve(self, request: Request) -> Response:
        """The rule as it stands."""
        deciding.visible_grants(actor=_actor(request))
        return Response({"is_shut": deciding.is_shut()})

    @extend_schema(
        request=OperatorRuleSerializer,
        responses={200: OperatorRuleSerializer},
        operation_id="support_access_rule_update",
    )
    def update(self, request: Request) -> Response:
        """Let operators ask every time, or never; shutting refuses those who have asked."""
        asked = OperatorRuleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        deciding.set_rule(shut=asked.validated_data["is_shut"], actor=_actor(request))
        return Response({"is_shut": deciding.is_shut()})


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
class OperatorGrantViewSet(KnownParameters, GenericViewSet[OperatorGrant]):
    """The operators' requests, the newest first; on a company's host there are none."""

    queryset = OperatorGrant.objects.none()
    serializer_class = OperatorGrantSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"asked": "asked_at"}
    keyset_default_sort = "-asked"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"list": (404,), "create": (404, 409), "destroy": (409,)}
    permission_codes = dict.fromkeys(("list", "create", "destroy"), ANYBODY)

    def list(self, request: Request) -> Response:
        """List the requests a page at a time."""
        page = self.paginate_queryset(asking.grants_of(actor=_operator(request)).order_by())
        return self.get_paginated_response(OperatorGrantSerializer(page, many=True).data)

    @extend_schema(request=GrantRequestSerializer, responses={201: OperatorGrantSerializer})
    @outside_transaction
    def create(self, request: Request) -> Response:
        """Ask a company to be let in; its owners are told by letter."""
        with atomic():
            asking.grants_of(actor=_operator(request))
        asked = GrantRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with atomic():
            grant = asking.ask_to_enter(actor=_operator(request), **asked.validated_data)
            return Response(
                OperatorGrantSerializer(asking.grants_of(actor=_operator(request)).get(pk=grant.pk)).data,
                status=201,
            )

    def destroy(self, request: Request, id: UUID) -> Response:
        """Withdraw a request of one's own, or end a grant before its time."""
        asking.give_back(grant_id=id, actor=_operator(request))
        return Response(status=204)
