"""`/api/v1/approvals/`: asking for a yes, answering, withdrawing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tasks.approvals.letters import subject_name
from tasks.approvals.selectors import Subject, visible_approval, visible_approvals, waiting_for, with_parts
from tasks.approvals.services import answer_approval, request_approval, withdraw_approval
from tasks.models import ApprovalDecision, ApprovalRequest
from tasks.selectors import visible_milestone, visible_project, visible_task
from tasks.sharing import holder_of
from tenants.accounts.access import Actor
from tenants.accounts.clients import open_to_clients
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput

WAITING = OpenApiParameter(
    "waiting_for",
    OpenApiTypes.STR,
    enum=["me"],
    description="Only those that wait for the caller's own answer.",
)
STATE = OpenApiParameter("state", OpenApiTypes.STR, enum=ApprovalRequest.State.values)


class ApproverSerializer(StrictSerializer):
    """One person or one group whose answer is asked for."""

    user_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    group_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class DecisionSerializer(serializers.Serializer[Any]):
    """What one approver answered."""

    user_id = serializers.UUIDField(allow_null=True)
    user_name = serializers.CharField()
    answer = serializers.ChoiceField(choices=ApprovalDecision.Answer.choices)
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class ApprovalSerializer(serializers.Serializer[Any]):
    """A request for a yes to one task, milestone or project, and how it stands."""

    id = serializers.UUIDField()
    task_id = serializers.UUIDField(allow_null=True)
    milestone_id = serializers.UUIDField(allow_null=True)
    project_id = serializers.UUIDField(allow_null=True)
    subject = serializers.SerializerMethodField()
    text = serializers.CharField()
    rule = serializers.ChoiceField(choices=ApprovalRequest.Rule.choices)
    due_on = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=ApprovalRequest.State.choices)
    asked_by_id = serializers.UUIDField(allow_null=True)
    asked_by_name = serializers.CharField()
    approvers = ApproverSerializer(many=True, source="approvers.all")
    decisions = DecisionSerializer(many=True, source="decisions.all")
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    nobody_left_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when it is open and nobody who was asked can answer any more."
    )

    def get_subject(self, approval: ApprovalRequest) -> str:
        """What it is about, in words."""
        return subject_name(approval)


class NewApprovalSerializer(StrictSerializer):
    """An approval to be asked for: about exactly one thing."""

    task = serializers.CharField(required=False, max_length=50, help_text="Key or id of the task.")
    milestone_id = serializers.UUIDField(required=False)
    project_id = serializers.UUIDField(required=False)
    text = serializers.CharField(max_length=4_000)
    approvers = ApproverSerializer(many=True)
    rule = serializers.ChoiceField(
        choices=ApprovalRequest.Rule.choices, required=False, default=ApprovalRequest.Rule.ANY
    )
    due_on = serializers.DateField(required=False, allow_null=True, default=None)


class AnswerSerializer(StrictSerializer):
    """An answer; without a yes it needs a note."""

    answer = serializers.ChoiceField(choices=ApprovalDecision.Answer.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4_000)


@open_to_clients
class ApprovalViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ApprovalRequest]):
    """Requests for approvals. Clients see those that ask for their own answer."""

    queryset = ApprovalRequest.objects.none()
    serializer_class = ApprovalSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    query_parameters = {"list": frozenset({"waiting_for", "state"}) | PAGE_PARAMETERS}
    permission_codes = {
        "list": "tasks.view",
        "create": "tasks.request_approval",
        "retrieve": "tasks.view",
        "answer": "tasks.approve",
        "withdraw": "tasks.request_approval",
    }

    @extend_schema(parameters=[WAITING, STATE])
    def list(self, request: Request) -> Response:
        """List approvals a page at a time, the newest first."""
        actor = _actor(request)
        rows = visible_approvals(actor=actor)
        waiting, state = request.query_params.get("waiting_for"), request.query_params.get("state")
        if waiting not in (None, "me"):
            raise InvalidInput(fields={"waiting_for": ["Only: me."]})
        if waiting == "me":
            rows = waiting_for(actor=actor)
        if state is not None:
            if state not in ApprovalRequest.State.values:
                raise InvalidInput(fields={"state": [f"One of: {', '.join(ApprovalRequest.State.values)}."]})
            rows = rows.filter(state=state)
        page = self.paginate_queryset(with_parts(rows))
        return self.get_paginated_response(ApprovalSerializer(page, many=True).data)

    @extend_schema(request=NewApprovalSerializer, responses={201: ApprovalSerializer})
    def create(self, request: Request) -> Response:
        """Ask for an approval. Send an `Idempotency-Key` to be able to repeat the request safely."""
        body = NewApprovalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data, actor = body.validated_data, _actor(request)
        found = request_approval(
            subject=_subject(data, actor),
            text=data["text"],
            approvers=[holder_of(**each) for each in data["approvers"]],
            rule=data["rule"],
            due_on=data["due_on"],
            actor=actor,
        )
        return Response(ApprovalSerializer(found).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one approval with its answers."""
        return Response(ApprovalSerializer(visible_approval(actor=_actor(request), approval_id=id)).data)

    @extend_schema(request=AnswerSerializer, responses=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, id: UUID) -> Response:
        """Answer as one of the approvers, once; the same answer again changes nothing. 409 when it is settled."""
        actor = _actor(request)
        found = visible_approval(actor=actor, approval_id=id)
        body = AnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        done = answer_approval(approval=found, answer=data["answer"], note=data["note"], actor=actor)
        return Response(ApprovalSerializer(done).data)

    @extend_schema(request=None, responses=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, id: UUID) -> Response:
        """Need no answer any more; repeating it changes nothing. 409 when it was answered."""
        actor = _actor(request)
        done = withdraw_approval(approval=visible_approval(actor=actor, approval_id=id), actor=actor)
        return Response(ApprovalSerializer(done).data)


def _subject(data: dict[str, Any], actor: Actor) -> Subject:
    """Raises: InvalidInput (none, or several), NotFound."""
    named = [name for name in ("task", "milestone_id", "project_id") if data.get(name)]
    if len(named) != 1:
        raise InvalidInput("Name one task, milestone or project.", fields={"task": ["One of the three."]})
    if "task" in named:
        return visible_task(actor=actor, key=data["task"])
    if "project_id" in named:
        return visible_project(actor=actor, project_id=data["project_id"])
    return visible_milestone(actor=actor, milestone_id=data["milestone_id"])


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
