"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.accounts.api.access_denials import AccessDenialViewSet
from tenants.accounts.api.email_domains import EmailDomainViewSet
from tenants.accounts.api.factors import FactorViewSet
from tenants.accounts.api.groups import GroupViewSet
from tenants.accounts.api.identity_providers import IdentityProviderViewSet
from tenants.accounts.api.invitations import InvitationViewSet
from tenants.accounts.api.me import MeView
from tenants.accounts.api.proposed_changes import ProposedChangeViewSet
from tenants.accounts.api.role_bindings import RoleBindingViewSet
from tenants.accounts.api.roles import RoleViewSet
from tenants.accounts.api.scim_directories import ScimDirectoryViewSet
from tenants.accounts.api.sign_in_rules import SignInRulesView
from tenants.accounts.api.sign_ins import MySignInViewSet, UserSignInViewSet
from tenants.accounts.api.sso import EmergencyOwnersViewSet, SsoEnforcementViewSet, SsoLogViewSet
from tenants.accounts.api.sso_keys import OwnKeyViewSet
from tenants.accounts.api.tokens import ApiTokenViewSet, ServiceAccountViewSet
from tenants.accounts.api.users import DepartmentViewSet, UserViewSet

_routes = SimpleRouter(use_regex_path=False)
_routes.register("invitations", InvitationViewSet, basename="invitation")
_routes.register("roles", RoleViewSet, basename="role")
_routes.register("role-bindings", RoleBindingViewSet, basename="role-binding")
_routes.register("groups", GroupViewSet, basename="group")
_routes.register("scim-directories", ScimDirectoryViewSet, basename="scim-directory")
_routes.register("users", UserViewSet, basename="user")
_routes.register("users/<uuid:user_id>/sign-ins", UserSignInViewSet, basename="user-sign-in")
_routes.register("departments", DepartmentViewSet, basename="department")
_routes.register("api-tokens", ApiTokenViewSet, basename="api-token")
_routes.register("service-accounts", ServiceAccountViewSet, basename="service-account")
_routes.register("me/sign-ins", MySignInViewSet, basename="my-sign-in")
_routes.register("proposed-changes", ProposedChangeViewSet, basename="proposed-change")
_routes.register("access-denials", AccessDenialViewSet, basename="access-denial")
_routes.register("identity-providers", IdentityProviderViewSet, basename="identity-provider")
_routes.register("email-domains", EmailDomainViewSet, basename="email-domain")
_routes.register("sso/keys", OwnKeyViewSet, basename="sso-key")
_routes.register("sso/log", SsoLogViewSet, basename="sso-log")
_enforcement = SsoEnforcementViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"})
_emergency = EmergencyOwnersViewSet.as_view({"get": "retrieve", "put": "update"})

api_urlpatterns = [
    path("sso/enforce/", _enforcement, name="sso-enforce"),
    path("sso/emergency-owners/", _emergency, name="sso-emergency-owners"),
    path("me/factors/", FactorViewSet.as_view({"get": "list"}), name="my-factors"),
    path(
        "me/factors/app/",
        FactorViewSet.as_view({"post": "begin_app", "delete": "remove_app"}),
        name="my-factors-app",
    ),
    path(
        "me/factors/app/confirm/", FactorViewSet.as_view({"post": "confirm_app"}), name="my-factors-confirm"
    ),
    path(
        "me/factors/passkeys/<uuid:id>/",
        FactorViewSet.as_view({"delete": "remove_passkey"}),
        name="my-factors-passkey",
    ),
    path(
        "me/factors/recovery-codes/",
        FactorViewSet.as_view({"post": "recovery_codes"}),
        name="my-factors-recovery-codes",
    ),
    path("sign-in-rules/", SignInRulesView.as_view(), name="sign-in-rules"),
    path("me/", MeView.as_view(), name="me"),
    path("", include(_routes.urls)),
]
