"""What goes wrong when code forgets whose rows it touches; never a tenant's fault, so never a DomainError."""

from django.db import OperationalError


class TenancyError(RuntimeError):
    """A rule of tenancy was broken by our own code."""


class NoTenant(TenancyError):
    """Tenant tables were touched without a tenant's scope."""


class NoTransaction(TenancyError):
    """Tenant SQL was sent outside a transaction."""


class WrongCell(TenancyError):
    """SQL of one cell's tenant was sent to another cell."""


class ForbiddenStatement(TenancyError):
    """A tenant's SQL tried to change the role it runs as."""


class OwnerElsewhere(OperationalError):
    """This process may not change schemas; another one, which has the owner's connections, will do it."""
