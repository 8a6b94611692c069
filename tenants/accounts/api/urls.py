"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.accounts.api.access import AccessDenialViewSet, RoleBindingViewSet, RoleViewSet
from tenants.accounts.api.email_domains import EmailDomainViewSet
from tenants.accounts.api.groups import GroupViewSet
from tenants.accounts.api.identity_providers import IdentityProviderViewSet
from tenants.accounts.api.invitations import InvitationViewSet
from tenants.accounts.api.me import MeView
from tenants.accounts.api.proposed_changes import ProposedChangeViewSet
from tenants.accounts.api.sso import EmergencyOwnersViewSet, SsoEnforcementViewSet, SsoLogViewSet
from tenants.accounts.api.sso_keys import OwnKeyViewSet

_routes = SimpleRouter(use_regex_path=False)
_routes.register("invitations", InvitationViewSet, basename="invitation")
_routes.register("roles", RoleViewSet, basename="role")
_routes.register("role-bindings", RoleBindingViewSet, basename="role-binding")
_routes.register("groups", GroupViewSet, basename="group")
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
    path("me/", MeView.as_view(), name="me"),
    path("", include(_routes.urls)),
]
