"""`/api/v1/users/` and `/departments/`: the company's people, their role, and shutting them out."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role, ScopeType
from tenants.accounts.access.bindings import Holder
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.roles import highest
from tenants.accounts.api.asking import ID, asking, body_of
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import Department, ProposedChange, User
from tenants.accounts.selectors import all_departments, visible_users
from tenants.accounts.services import change_role, deactivate_user, ensure_department, reactivate_user
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


class UserSerializer(serializers.Serializer[Any]):
    """A person of the company."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.SerializerMethodField(
        help_text="The built-in role to name them by, of those in their own name; null for none."
    )
    department_id = serializers.UUIDField(allow_null=True)
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ChoiceField(choices=Role.choices, allow_null=True))
    def get_role(self, user: User) -> str | None:
        """Their highest built-in role in the whole company."""
        own = [each for each in user.role_bindings.all() if each.is_in_force and each.role]
        role = highest(frozenset(Role(each.role) for each in own if each.scope_type == ScopeType.COMPANY))
        return role.value if role else None


class NewRoleOfUserSerializer(StrictSerializer):
    """The role somebody shall have in the whole company."""

    role = serializers.ChoiceField(choices=Role.choices)
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="",
        help_text="For the second person, where one has to agree to a new owner.",
    )  # fmt: skip


@extend_schema_view(retrieve=extend_schema(parameters=[ID], responses=UserSerializer))
class UserViewSet(KnownParameters, IdempotentPosts, GenericViewSet[User]):
    """People, by name; programs are service accounts."""

    queryset = User.objects.none()
    serializer_class = UserSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name", "created": "created_at"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"deactivate": (404, 409), "reactivate": (404,), "role": (404, 409)}
    permission_codes = {
        "list": "accounts.view_users",
        "retrieve": "accounts.view_users",
        "deactivate": "accounts.deactivate_users",
        "reactivate": "accounts.deactivate_users",
        "role": "accounts.change_roles",
    }

    def list(self, request: Request) -> Response:
        """List people a page at a time, the deactivated ones too."""
        page = self.paginate_queryset(visible_users(actor=asking(request)).order_by())
        return self.get_paginated_response(UserSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one person."""
        person = get_object_or_404(visible_users(actor=asking(request)), pk=id)
        return Response(UserSerializer(person).data)

    @extend_schema(parameters=[ID], request=None, responses=UserSerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, id: UUID) -> Response:
        """Shut somebody out at once: sign-ins, tokens and invitations of theirs end."""
        deactivate_user(user=_person(id), actor=asking(request))
        return Response(UserSerializer(_person(id)).data)

    @extend_schema(parameters=[ID], request=None, responses=UserSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, id: UUID) -> Response:
        """Let somebody in again; what had ended stays ended."""
        reactivate_user(user=_person(id), actor=asking(request))
        return Response(UserSerializer(_person(id)).data)

    @extend_schema(
        parameters=[ID],
        request=NewRoleOfUserSerializer,
        responses={200: UserSerializer, 202: ProposedChangeSerializer},
    )
    @action(detail=True, methods=["put"])
    def role(self, request: Request, id: UUID) -> Response:
        """Give somebody another role in the whole company. They are signed out.

        Making an owner adds to their roles, and is answered with 202 and the waiting change where the company wants
        two people for it.
        """
        body = body_of(NewRoleOfUserSerializer(data=request.data))
        actor, person, role = asking(request), _person(id), Role(body["role"])
        if role is Role.OWNER:
            given = give_role(holder=Holder("user", person.pk), role=role, actor=actor, reason=body["reason"])
            if isinstance(given, ProposedChange):
                return waiting_answer(request, given)
        else:
            change_role(user=person, role=role, actor=actor)
        return Response(UserSerializer(_person(id)).data)


class DepartmentSerializer(serializers.Serializer[Any]):
    """A department of the company."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    key = serializers.CharField()
    color = serializers.IntegerField(help_text="Which of the six colours of charts it keeps everywhere.")


class NewDepartmentSerializer(StrictSerializer):
    """A department to be made."""

    name = serializers.CharField(max_length=120)
    key = serializers.RegexField(r"^[A-Za-z0-9]{1,8}\Z", help_text="One to eight letters and digits.")
    color = serializers.IntegerField(min_value=1, max_value=6, required=False, default=6)


class DepartmentViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Department]):
    """The company's departments, by name."""

    queryset = Department.objects.none()
    serializer_class = DepartmentSerializer
    pagination_class = None
    problem_statuses = {"create": (409,)}
    permission_codes = {"list": "accounts.view_users", "create": "accounts.manage_departments"}

    @extend_schema(responses=DepartmentSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List the departments."""
        return Response(DepartmentSerializer(all_departments(), many=True).data)

    @extend_schema(request=NewDepartmentSerializer, responses={201: DepartmentSerializer})
    def create(self, request: Request) -> Response:
        """Make a department, or find the one with this name."""
        body = body_of(NewDepartmentSerializer(data=request.data))
        department = ensure_department(actor=asking(request), **body)
        return Response(DepartmentSerializer(department).data, status=201)


def _person(number: UUID) -> User:
    """Somebody of the company with their roles; the services ask what may be done to them."""
    people = User.objects.filter(service_account=None, support_account=None)
    return get_object_or_404(people.prefetch_related("role_bindings__custom_role"), pk=number)
