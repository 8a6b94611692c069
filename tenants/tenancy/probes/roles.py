"""Attacks that change who one is, at once or for the next statement."""

from tenants.tenancy.probes.probe import Alone, Family, Probe, Way, of

READ = "SELECT name FROM {other}.accounts_department"
RUN = "set_config('role', '{other_role}', true)"

CHANGING_ROLE = Family(
    "becoming the other",
    (
        Probe("set role", of('SET ROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("set local role", of('SET LOCAL ROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("set role as a setting", of("SET SESSION \"role\" = '{other_role}'", READ), Alone.CANNOT),
        Probe("reset role", of("RESET ROLE", "SELECT rolname FROM pg_roles"), Alone.CANNOT),
        Probe("reset all", of("RESET ALL"), Alone.CANNOT),
        Probe("discard all", of("DISCARD ALL")),
        Probe("set session authorization", of('SET SESSION AUTHORIZATION "{owner}"', READ)),
        Probe("set role to the owner", of('SET ROLE "{owner}"', READ)),
        Probe(
            "search path",
            of("SET search_path = {other}, public", "SELECT name FROM accounts_department"),
            Alone.REFUSES,
        ),
        Probe("commit, then set role", of("COMMIT", 'SET ROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("rollback", of("ROLLBACK", 'SET ROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("rollback to a savepoint", of("SAVEPOINT x", "ROLLBACK TO SAVEPOINT x"), Alone.CANNOT),
        Probe("set_config, then the next query", of(f"SELECT {RUN}", READ)),
        Probe(
            "set_config of the path",
            of("SELECT set_config('search_path', '{other}', true)", "SELECT name FROM accounts_department"),
        ),
        Probe(
            "set_config in a condition",
            of(
                "SELECT name FROM accounts_department WHERE 'x' ="
                " pg_catalog.\"set_config\"('role', '{other_role}', true)",
                READ,
            ),
        ),
        Probe(
            "set_config through a parameter",
            of("SELECT set_config(%s, '{other_role}', true)", READ),
            parameters=("role",),
        ),
        Probe(
            "set_config by callproc",
            of("set_config"),
            way=Way.CALL,
            parameters=("role", "{other_role}", "true"),
        ),
        Probe("set_config for the session", of("SELECT set_config('role', '{other_role}', false)", READ)),
        Probe(
            "update of pg_settings",
            of("UPDATE pg_settings SET setting = '{other_role}' WHERE name = 'role'", READ),
        ),
        Probe(
            "update of pg_settings within a query",
            of(
                "WITH x AS (UPDATE pg_catalog.pg_settings SET setting = '{other_role}' WHERE name = 'role'"
                " RETURNING 1) SELECT 1",
                READ,
            ),
        ),
        Probe("a block of code", of("DO $$ BEGIN EXECUTE 'set role \"{other_role}\"'; END $$", READ)),
        Probe("a block of code in another language", of("DO LANGUAGE sql $$ SELECT 1 $$")),
        Probe(
            "row security off",
            of("SET row_security = off", "SELECT * FROM public.tenants_workitem"),
            Alone.REFUSES,
        ),
    ),
)

TEXT_AS_SQL = Family(
    "text run as SQL",
    (
        Probe(
            "ts_stat after set_config",
            of(
                f"SELECT {RUN}, (SELECT count(*) FROM"
                " ts_stat('SELECT to_tsvector(name) FROM {other}.accounts_department'))"
            ),
        ),
        Probe(
            "ts_stat alone",
            of("SELECT word FROM ts_stat('SELECT to_tsvector(name) FROM accounts_department')"),
        ),
        Probe("ts_rewrite", of("SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')")),
        Probe(
            "query_to_xml",
            of("SELECT query_to_xml('SELECT * FROM {other}.accounts_department', true, true, '')"),
        ),
        Probe("query_to_xmlschema", of("SELECT query_to_xmlschema('SELECT 1', true, true, '')")),
        Probe("table_to_xml", of("SELECT table_to_xml('{mine}.accounts_department', true, true, '')")),
        Probe("schema_to_xml", of("SELECT schema_to_xml('{other}', true, true, '')")),
        Probe("database_to_xml", of("SELECT database_to_xml(true, true, '')")),
        Probe("cursor_to_xml", of("SELECT cursor_to_xml('x', 1, true, true, '')")),
        Probe("dblink", of("SELECT * FROM dblink('dbname={database}', 'SELECT 1') AS t (x int)")),
        Probe("an extension installed", of("CREATE EXTENSION dblink")),
    ),
)

STACKED = Family(
    "a second statement",
    (
        Probe("behind a semicolon", of('SELECT 1; SET ROLE "{other_role}"', READ)),
        Probe(
            "behind a semicolon and a parameter",
            of('SELECT %s; SET ROLE "{other_role}"', READ),
            parameters=("x",),
        ),
        Probe("behind a comment", of('SELECT 1 /* ; */ ; -- \n SET ROLE "{other_role}"', READ)),
        Probe("a commit in between", of('SELECT 1; COMMIT; SET ROLE "{other_role}"; SELECT 1', READ)),
        Probe("a block of code behind", of("SELECT 1; DO $$ BEGIN NULL; END $$")),
        Probe(
            "in executemany",
            of('SELECT %s; SET ROLE "{other_role}"', READ),
            way=Way.EXECUTEMANY,
            parameters=("x",),
        ),
        Probe("in a stream", of('SELECT 1; SET ROLE "{other_role}"', READ), way=Way.STREAM),
        Probe("in a copy", of('COPY (SELECT 1) TO STDOUT; SET ROLE "{other_role}"', READ), way=Way.COPY),
        Probe("in a server-side cursor", of('SELECT 1; SET ROLE "{other_role}"', READ), way=Way.SERVER_SIDE),
    ),
)

HIDDEN = Family(
    "hidden before the keyword",
    (
        Probe(
            "a nested comment", of('/* /* */ SELECT */ SET SESSION ROLE "{other_role}"', READ), Alone.CANNOT
        ),
        Probe(
            "a comment ended by a carriage return",
            of('--\r SET SESSION ROLE "{other_role}" /* \n SELECT */', READ),
            Alone.CANNOT,
        ),
        Probe("a comment between", of('SET/**/ROLE"{other_role}"', READ), Alone.CANNOT),
        Probe("an empty statement before", of('; SET SESSION ROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("other blanks", of('\f\v\r\tSET\vROLE "{other_role}"', READ), Alone.CANNOT),
        Probe("a blank PostgreSQL does not know", of('\xa0SET ROLE "{other_role}"', READ), Alone.REFUSES),
        Probe("a byte order mark", of('\ufeffSET ROLE "{other_role}"', READ), Alone.REFUSES),
        Probe("capital letters", of('sEt RoLe "{other_role}"', READ), Alone.CANNOT),
        Probe(
            "a name by code points", of("SELECT U&\"\\0073et_config\"('role', '{other_role}', true)", READ)
        ),
        Probe("a statement to be explained", of("EXPLAIN ANALYZE EXECUTE nothing")),
        Probe("options with a comment", of("EXPLAIN (ANALYZE /* ) SELECT */) EXECUTE nothing")),
        Probe("a bracket before", of('(SET ROLE "{other_role}")')),
    ),
)

FAMILIES = (CHANGING_ROLE, TEXT_AS_SQL, STACKED, HIDDEN)
