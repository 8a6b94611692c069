"""Who may come in: users, departments, groups, roles, invitations and keys."""

from tenants.accounts.models.access_denial import AccessDenial, PermissionUse
from tenants.accounts.models.access_policy import AccessPolicy
from tenants.accounts.models.api_token import ApiToken
from tenants.accounts.models.custom_role import CustomRole
from tenants.accounts.models.department import Department
from tenants.accounts.models.email_domain import BreakGlassOwner, EmailDomain
from tenants.accounts.models.external_identity import ExternalIdentity, SsoSession
from tenants.accounts.models.group import Group, GroupMembership
from tenants.accounts.models.idempotency_record import IdempotencyRecord
from tenants.accounts.models.identity_provider import GroupRule, IdentityProvider
from tenants.accounts.models.invitation import Invitation
from tenants.accounts.models.proposed_change import ProposedChange
from tenants.accounts.models.role_binding import RoleBinding
from tenants.accounts.models.scim_directory import ScimDirectory, ScimToken
from tenants.accounts.models.scim_record import (
    ScimDeprovisioning,
    ScimEmail,
    ScimGroup,
    ScimPerson,
)
from tenants.accounts.models.second_factor import AuthenticatorApp, Passkey, RecoveryCode, SpentChallenge
from tenants.accounts.models.service_account import ServiceAccount
from tenants.accounts.models.sign_in_handover import SignInHandover
from tenants.accounts.models.sign_in_link import SignInLink
from tenants.accounts.models.sso_log_entry import SsoLogEntry
from tenants.accounts.models.sso_sign_in import PendingSignIn, ServiceProviderKey, UsedAssertion
from tenants.accounts.models.support_visit import SupportAccount, SupportAction, SupportVisit
from tenants.accounts.models.user import User
from tenants.accounts.models.user_session import UserSession

__all__ = [
    "AccessDenial",
    "AccessPolicy",
    "ApiToken",
    "AuthenticatorApp",
    "BreakGlassOwner",
    "CustomRole",
    "Department",
    "EmailDomain",
    "ExternalIdentity",
    "Group",
    "GroupMembership",
    "GroupRule",
    "IdempotencyRecord",
    "IdentityProvider",
    "Invitation",
    "Passkey",
    "PendingSignIn",
    "PermissionUse",
    "ProposedChange",
    "RecoveryCode",
    "RoleBinding",
    "ScimDeprovisioning",
    "ScimDirectory",
    "ScimEmail",
    "ScimGroup",
    "ScimPerson",
    "ScimToken",
    "ServiceAccount",
    "ServiceProviderKey",
    "SignInHandover",
    "SignInLink",
    "SpentChallenge",
    "SsoLogEntry",
    "SsoSession",
    "SupportAccount",
    "SupportAction",
    "SupportVisit",
    "UsedAssertion",
    "User",
    "UserSession",
]
