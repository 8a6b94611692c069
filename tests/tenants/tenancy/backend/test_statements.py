"""The beginning of a statement is read as PostgreSQL reads it: what hides behind a comment is found."""

import pytest

from tenants.tenancy.backend.statements import may_run


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "(SELECT 1) UNION (SELECT 2)",
        "  /* a /* b */ c */ -- d\n (WITH x AS (SELECT 1) SELECT * FROM x)",
        "VALUES (1)",
        "INSERT INTO x VALUES (1)",
        "WITH\tx AS (SELECT 1) SELECT 1",
        "EXPLAIN SELECT 1",
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1",
        "EXPLAIN (SELECT 1)",
        "EXPLAIN ANALYZE VERBOSE INSERT INTO x VALUES (1)",
        "COPY x FROM STDIN",
        "COPY (SELECT 1) TO STDOUT",
    ],
)
def test_reading_and_writing_rows_is_allowed(text: str) -> None:
    assert may_run(text)


@pytest.mark.parametrize(
    "text",
    [
        # Hidden behind what is a comment to a careless reader, and is none or a longer one to PostgreSQL.
        '/* /* */ SELECT */ SET SESSION role "x"',
        '--\r SET SESSION role "x" /* \n SELECT */ ',
        "/* never closed SELECT 1",
        # An empty statement before the semicolon does not count: what follows is the only one.
        '; SET SESSION role "x"',
        '/**/;SET SESSION role "x"',
        # Other blanks, marks and letters than PostgreSQL's own.
        "\xa0SELECT 1",
        '\ufeffSET SESSION role "x"',
        "ſelect 1",
        "SELECTED 1",
        "select\xe9 1",
        # A statement within another.
        "EXPLAIN ANALYZE EXECUTE x",
        "EXPLAIN (ANALYZE, VERBOSE) EXECUTE x",
        "EXPLAIN (ANALYZE /* ) SELECT */) EXECUTE x",
        "EXPLAIN VERBOSE DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "EXPLAIN (ANALYZE) CREATE TABLE x AS SELECT 1",
        # Files and programs of the server.
        "COPY x TO '/tmp/x'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY x TO PROGRAM 'id'",
        "COPY x FROM PROGRAM 'cat' -- FROM STDIN",
        "TABLE x",
        "",
        "(",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    assert not may_run(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Set_Config('role', 'x', true)",
        "SELECT 16385::RegNamespace",
        'SELECT CAST(oid AS "regrole") FROM x',
        "SELECT U&\"\\0073et_config\"('role', 'x', true)",
        "SELECT CASE WHEN n < 0 THEN pg_typeof(1) ELSE n END FROM generate_series(16384, 20000) n",
        "SELECT coalesce((NULL::pg_sequences).data_type, 16385)",
        "SELECT (jsonb_populate_record(NULL::\"pg_prepared_statements\", '{}')).result_types",
        "SELECT coalesce((NULL::pg_type).typinput, 16385)",
    ],
)
def test_the_doors_are_found_wherever_they_stand(text: str) -> None:
    assert not may_run(text)
