"""The tables of the vault."""

from tenants.secrets.models.secret import Secret

__all__ = ["Secret"]
