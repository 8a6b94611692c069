"""Attacks that read: the other's tables, and the names of those who live beside."""

from tenants.tenancy.probes.probe import Alone, Family, Probe, Way, of

TABLE = "{other}.accounts_department"

OTHER_ROWS = Family(
    "the other's rows",
    (
        Probe("a table of the other", of(f"SELECT name FROM {TABLE}")),
        Probe("a union", of(f"SELECT name FROM accounts_department UNION ALL SELECT name FROM {TABLE}")),
        Probe("a subquery", of(f"SELECT (SELECT string_agg(name, ',') FROM {TABLE})")),
        Probe(
            "a common table expression",
            of(f"WITH x AS MATERIALIZED (SELECT name FROM {TABLE}) SELECT * FROM x"),
        ),
        Probe(
            "a lateral join",
            of(f"SELECT t.name FROM generate_series(1, 2) n CROSS JOIN LATERAL (SELECT * FROM {TABLE}) t"),
        ),
        Probe("a plan of the other's table", of(f"EXPLAIN (ANALYZE, VERBOSE) SELECT name FROM {TABLE}")),
        Probe("a row type of the other", of(f"SELECT NULL::{TABLE}")),
        Probe("rows made of json", of(f"SELECT * FROM jsonb_populate_recordset(NULL::{TABLE}, '[]')")),
        Probe("through a server-side cursor", of(f"SELECT name FROM {TABLE}"), way=Way.SERVER_SIDE),
        Probe("through a stream", of(f"SELECT name FROM {TABLE}"), way=Way.STREAM),
        Probe("copied out", of(f"COPY {TABLE} TO STDOUT"), way=Way.COPY),
        Probe("a query copied out", of(f"COPY (SELECT * FROM {TABLE}) TO STDOUT"), way=Way.COPY),
        Probe("locked rows", of(f"SELECT name FROM {TABLE} FOR UPDATE")),
        Probe("a locked table", of(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")),
        Probe("the whole table by its name", of(f"TABLE {TABLE}")),
        Probe("the tenant directory", of("SELECT * FROM tenants_tenant")),
        Probe("the tenant directory's database", of("SELECT * FROM {directory}.public.tenants_tenant")),
        Probe("the other's next number", of("SELECT nextval({sequence}::oid)")),
        Probe("the other's last number", of("SELECT last_value FROM {other}.canary_seq")),
    ),
)

NAMES = Family(
    "names",
    (
        Probe("schemas", of("SELECT nspname FROM pg_namespace")),
        Probe("schemas by the standard's view", of("SELECT schema_name FROM information_schema.schemata")),
        Probe("tables", of("SELECT schemaname, tablename FROM pg_catalog.pg_tables")),
        Probe("relations", of("SELECT relname, relnamespace FROM pg_class")),
        Probe("columns", of("SELECT attname FROM pg_attribute")),
        Probe("roles", of("SELECT rolname FROM pg_roles")),
        Probe("memberships", of("SELECT pg_get_userbyid(member) FROM pg_auth_members")),
        Probe(
            "types",
            of(
                "SELECT format_type(number::oid, NULL)"
                " FROM generate_series({sequence} - 2000, {sequence} + 9) AS number"
            ),
        ),
        Probe(
            "types of columns by number",
            of(
                "SELECT CASE WHEN number < 0 THEN pg_typeof(1) ELSE number END"
                " FROM generate_series({sequence} - 2000, {sequence} + 9) AS number"
            ),
        ),
        Probe(
            "types by number in a catalog's row",
            of(
                "SELECT coalesce((NULL::pg_catalog.pg_sequences).data_type, number)"
                " FROM generate_series({sequence} - 2000, {sequence} + 9) AS number"
            ),
            Alone.CANNOT,
        ),
        Probe(
            "rights as text",
            of("SELECT makeaclitem({role_oid}, {role_oid}, 'SELECT', false)::text"),
        ),
        Probe(
            "objects described",
            of("SELECT pg_describe_object(2615, {schema_oid}, 0)"),
        ),
        Probe(
            "schemas by number",
            of("SELECT {schema_oid}::oid::regnamespace::text"),
            Alone.CANNOT,
        ),
        Probe(
            "roles by number",
            of("SELECT {role_oid}::oid::regrole::text"),
            Alone.CANNOT,
        ),
        Probe(
            "tables by number",
            of("SELECT {sequence}::oid::regclass::text"),
            Alone.CANNOT,
        ),
        Probe("whether a schema is there", of("SELECT to_regnamespace('{other}')")),
        Probe("rights asked for", of("SELECT has_schema_privilege('{other}', 'usage')")),
        Probe("statistics", of("SELECT schemaname, relname, n_live_tup FROM pg_stat_user_tables")),
        Probe(
            "values in statistics", of("SELECT most_common_vals FROM pg_stats WHERE schemaname = '{other}'")
        ),
        Probe("what others are running", of("SELECT usename, query FROM pg_stat_activity")),
        Probe("what others are running, by function", of("SELECT query FROM pg_stat_get_activity(NULL)")),
        Probe("locks of others", of("SELECT relation, pid FROM pg_locks")),
        Probe("sizes", of("SELECT pg_total_relation_size({sequence}::oid)")),
        Probe("databases", of("SELECT datname FROM pg_database")),
        Probe("passwords", of("SELECT rolname, rolpassword FROM pg_authid")),
        Probe("settings", of("SELECT name, setting FROM pg_settings")),
        Probe(
            "definitions of views and functions", of("SELECT pg_get_functiondef(oid) FROM pg_proc LIMIT 1")
        ),
    ),
)

FAMILIES = (OTHER_ROWS, NAMES)
