"""What rows come to, whatever their order: how many, and two sums of 64 bits of each row's hash.

Rows become text the same way on every server, whatever it is set to; md5 is the same in every version of PostgreSQL.
"""

from psycopg import sql

SETTINGS = """
SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'
"""
SUMS = sql.SQL("""
count(*), coalesce(sum(('x' || left(h, 16))::bit(64)::bigint::numeric), 0)::text,
          coalesce(sum(('x' || right(h, 16))::bit(64)::bigint::numeric), 0)::text
""")


def sums_of(rows: sql.Composable, *, row: sql.Composable, name: sql.Composable | None = None) -> sql.Composed:
    """A query for the count and the two sums (after ``name``) of ``rows``, the items of a FROM clause.

    ``row`` is the expression that is hashed. The transaction must have :data:`SETTINGS`.
    """
    first = sql.SQL("{}, ").format(name) if name is not None else sql.SQL("")
    return sql.SQL("SELECT {first}{sums} FROM (SELECT md5({row}::text) AS h FROM {rows}) hashed").format(
        first=first, sums=SUMS, row=row, rows=rows
    )
