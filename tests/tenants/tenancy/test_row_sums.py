"""Sums over rows: equal wherever the rows are, different when one value is."""

import psycopg
import pytest
from psycopg import sql

from tenants.tenancy.databases import owner_connection
from tenants.tenancy.row_sums import SETTINGS, sums_of

pytestmark = pytest.mark.usefixtures("databases")
ROWS = "(VALUES (1, timestamptz '2026-11-22 12:00+00', 0.1::float8, {}::text), (2, NULL, NULL, 'b')) AS t (a, b, c, d)"


def sums(
    connection: psycopg.Connection[tuple[object, ...]], text: str, *, order: str = ""
) -> tuple[object, ...]:
    rows = sql.SQL(f"(SELECT * FROM {ROWS} {order}) AS t").format(sql.Literal(text))
    connection.execute(SETTINGS)
    row = connection.execute(sums_of(rows, row=sql.SQL("t"))).fetchone()
    assert row is not None
    return row


def test_neither_order_nor_settings_change_them_and_a_value_does() -> None:
    with owner_connection("cell_1_owner") as one, owner_connection("cell_2_owner") as other:
        other.execute("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET extra_float_digits = -3")
        found = sums(one, "a")
        assert found[0] == 2
        assert sums(other, "a", order="ORDER BY a DESC") == found
        assert sums(other, "A")[1:] != found[1:]


def test_no_rows_come_to_nothing() -> None:
    with owner_connection("cell_1_owner") as connection:
        query = sums_of(
            sql.SQL("(SELECT 1 WHERE false) AS t"), row=sql.SQL("ROW(t)"), name=sql.Literal("empty")
        )
        assert connection.execute(query).fetchone() == ("empty", 0, "0", "0")
