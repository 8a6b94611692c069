"""What stands where, as the owner of a cell sees it."""

from typing import Any

from tenants.tenancy import TenantRef
from tenants.tenancy.databases import owner_connection

SHAPE = """
SELECT 'table', c.relname, a.attname,
       format_type(a.atttypid, a.atttypmod) || a.attgenerated::text || a.attidentity::text
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND c.relkind = 'r'
UNION ALL
SELECT 'right', c.relname, r.privilege_type, ''
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) r JOIN pg_roles o ON o.oid = r.grantee AND o.rolname = %(role)s
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
UNION ALL
SELECT 'rule', conname, contype::text, '' FROM pg_constraint
WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
UNION ALL
SELECT 'trigger', c.relname, t.tgname, '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND NOT t.tgisinternal
UNION ALL
SELECT 'entry', r.privilege_type, '', '' FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) r
JOIN pg_roles o ON o.oid = r.grantee AND o.rolname = %(role)s WHERE n.nspname = %(schema)s
ORDER BY 1, 2, 3, 4
"""
TRACES = """
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'move\\_%%'
UNION ALL
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND tgname = 'zz_move_notes'
"""


def ask(cell: str, query: str, values: Any) -> list[Any]:
    """Rows of one query of the owner."""
    with owner_connection(f"{cell}_owner") as connection:
        return connection.execute(query.encode(), values).fetchall()


def place_of(tenant: TenantRef, cell: str) -> list[Any]:
    """Tables, rules, triggers and rights of a company's schema."""
    return ask(cell, SHAPE, {"schema": tenant.schema, "role": tenant.role})


def stands_in(tenant: TenantRef, cell: str) -> bool:
    """Whether the company has a schema in a cell."""
    return bool(ask(cell, "SELECT 1 FROM pg_namespace WHERE nspname = %s", [tenant.schema]))


def traces_of(tenant: TenantRef, cell: str) -> list[Any]:
    """What a move would have left in a cell."""
    return ask(cell, TRACES, [tenant.schema])
