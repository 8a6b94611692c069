"""Cache keys carry the tenant: the same key of two companies never meets."""

from tenants.tenancy.context import current_tenant_or_none


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: outside a scope the key belongs to the platform."""
    tenant = current_tenant_or_none()
    return f"nts:{tenant.id if tenant else 'platform'}:{key_prefix}:{version}:{key}"
