"""Who may come in: users, departments, roles, invitations and keys."""

from tenants.accounts.models.api_token import ApiToken
from tenants.accounts.models.department import Department
from tenants.accounts.models.idempotency_record import IdempotencyRecord
from tenants.accounts.models.invitation import Invitation
from tenants.accounts.models.role_binding import RoleBinding
from tenants.accounts.models.user import User

__all__ = ["ApiToken", "Department", "IdempotencyRecord", "Invitation", "RoleBinding", "User"]
