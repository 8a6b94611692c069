"""Who may come in: users, departments and what lets them."""

from tenants.accounts.models.department import Department
from tenants.accounts.models.user import User

__all__ = ["Department", "User"]
