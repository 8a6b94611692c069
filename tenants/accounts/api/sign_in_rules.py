"""`/api/v1/sign-in-rules/`: the company's rules for signing in."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.accounts.access import Role, require
from tenants.accounts.access.changes import Subject
from tenants.accounts.api.asking import asking, body_of
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import AccessPolicy, ProposedChange
from tenants.accounts.networks import client_address
from tenants.accounts.sessions.policy import EVERYBODY, MANAGE, Rules, change_rules, current_rules
from tenants.foundation.api import KnownParameters, StrictSerializer

_WHOM = [EVERYBODY, *Role.values]
_NUMBERS = ("idle_minutes", "absolute_hours", "step_up_minutes", "mfa_grace_days", "token_max_days")
_BY_LINK = "Who may sign in by a link or code in an e-mail; never who holds a sensitive permission."
_LISTS = ("allowed_networks", "mfa_required_for", "two_people_for")


class SignInRulesSerializer(serializers.Serializer[Any]):
    """The rules that hold now."""

    allowed_networks = serializers.ListField(
        child=serializers.CharField(), help_text="CIDR; empty: from anywhere."
    )
    idle_minutes = serializers.IntegerField()
    absolute_hours = serializers.IntegerField()
    step_up_minutes = serializers.IntegerField()
    mfa_required_for = serializers.ListField(
        child=serializers.CharField(), help_text="Roles; `*` is everybody."
    )
    mfa_required_since = serializers.DateTimeField(allow_null=True)
    mfa_grace_days = serializers.IntegerField()
    token_max_days = serializers.IntegerField()
    two_people_for = serializers.ListField(
        child=serializers.ChoiceField(choices=Subject.choices),
        help_text="What one person proposes and a second agrees to.",
    )
    link_sign_in = serializers.ChoiceField(choices=AccessPolicy.LinkSignIn.choices, help_text=_BY_LINK)


class SignInRulesChangeSerializer(StrictSerializer):
    """What shall change; what is left out stays."""

    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, max_length=100
    )
    idle_minutes = serializers.IntegerField(required=False)
    absolute_hours = serializers.IntegerField(required=False)
    step_up_minutes = serializers.IntegerField(required=False)
    mfa_required_for = serializers.ListField(child=serializers.ChoiceField(choices=_WHOM), required=False)
    mfa_grace_days = serializers.IntegerField(required=False)
    token_max_days = serializers.IntegerField(required=False)
    two_people_for = serializers.ListField(
        child=serializers.ChoiceField(choices=Subject.choices), required=False
    )
    link_sign_in = serializers.ChoiceField(
        choices=AccessPolicy.LinkSignIn.choices, required=False, help_text=_BY_LINK
    )
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True,
        help_text="For the second person, where one has to agree to looser rules.",
    )  # fmt: skip


class SignInRulesView(KnownParameters, APIView):
    """The rules for signing in."""

    permission_codes = {"GET": MANAGE, "PATCH": MANAGE}
    problem_statuses = {"PATCH": (409,)}

    @extend_schema(responses=SignInRulesSerializer, operation_id="sign_in_rules_retrieve")
    def get(self, request: Request) -> Response:
        """Show the rules."""
        require(asking(request), MANAGE)
        return Response(_shown(current_rules()))

    @extend_schema(
        request=SignInRulesChangeSerializer,
        responses={200: SignInRulesSerializer, 202: ProposedChangeSerializer},
        operation_id="sign_in_rules_update",
    )
    def patch(self, request: Request) -> Response:
        """Change the rules, for everybody from their next request on.

        Networks without the one the request comes from are refused. Looser rules are answered with 202 and the
        waiting change where the company wants two people for them.
        """
        body = body_of(SignInRulesChangeSerializer(data=request.data, partial=True))
        saved = change_rules(actor=asking(request), address=client_address(request._request), **body)
        if isinstance(saved, ProposedChange):
            return waiting_answer(request, saved)
        return Response(_shown(saved))


def _shown(rules: Rules) -> Any:
    values: dict[str, Any] = {name: sorted(getattr(rules, name)) for name in _LISTS}
    values |= {name: getattr(rules, name) for name in (*_NUMBERS, "mfa_required_since", "link_sign_in")}
    return SignInRulesSerializer(values).data
