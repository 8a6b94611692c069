"""Cache keys carry the tenant: the same key of two companies never meets, and a key of nobody is an error."""

from tenants.tenancy.context import current_tenant


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    """KEY_FUNCTION of the cache ``default``.

    Raises: NoTenant outside a tenant's scope; what is the platform's own goes to ``caches["platform"]``.
    """
    return f"nts:tenant:{current_tenant().id}:{key_prefix}:{version}:{key}"


def platform_key(key: str, key_prefix: str, version: int) -> str:
    """KEY_FUNCTION of the cache ``platform``: what belongs to no company, the same in every scope."""
    return f"nts:platform:{key_prefix}:{version}:{key}"
