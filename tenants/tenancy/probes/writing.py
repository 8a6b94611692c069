"""Attacks that change: the other's rows, its work, what belongs to everybody, and the rights themselves."""

from tenants.tenancy.probes.probe import Alone, Family, Probe, Way, of

TABLE = "{other}.accounts_department"
ITEM = (
    "INSERT INTO public.tenants_workitem"
    " (id, tenant_id, tenant_role, kind, payload, priority, state, attempts, last_error)"
    " VALUES (gen_random_uuid(), '%s', '%s', 'probe', '{}', 1, '%s', 0, '')"
)

OTHER_ROWS = Family(
    "the other's rows changed",
    (
        Probe(
            "an insert",
            of(
                f"INSERT INTO {TABLE} (id, name, key, color, created_at) VALUES (gen_random_uuid(), 'x', 'x', 1, now())"
            ),
        ),
        Probe("an update", of(f"UPDATE {TABLE} SET name = 'x'")),
        Probe("a delete", of(f"DELETE FROM {TABLE}")),
        Probe(
            "a delete within a query",
            of(f"WITH gone AS (DELETE FROM {TABLE} RETURNING name) SELECT name FROM gone"),
        ),
        Probe(
            "an update in executemany",
            of(f"UPDATE {TABLE} SET name = %s"),
            way=Way.EXECUTEMANY,
            parameters=("x",),
        ),
        Probe("a merge", of(f"MERGE INTO {TABLE} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE")),
        Probe("emptied", of(f"TRUNCATE {TABLE}")),
        Probe("copied in", of(f"COPY {TABLE} (name) FROM STDIN"), way=Way.COPY),
        Probe("a sequence set", of("SELECT setval({sequence}::oid, 1000)")),
    ),
)

WORK = Family(
    "the other's work",
    (
        Probe("work in the other's name", of(ITEM % ("{other_id}", "{other_role}", "ready"))),
        Probe("work in the other's queue", of(ITEM % ("{other_id}", "{my_role}", "ready"))),
        Probe("work that counts as done", of(ITEM % ("{my_id}", "{my_role}", "done"))),
        Probe("the queue read", of("SELECT kind, payload FROM public.tenants_workitem")),
        Probe(
            "work called off",
            of("UPDATE public.tenants_workitem SET state = 'done' WHERE id = '{work_item}'"),
        ),
        Probe("work removed", of("DELETE FROM public.tenants_workitem WHERE id = '{work_item}'")),
        Probe(
            "work answered by a conflict",
            of(
                (ITEM % ("{my_id}", "{my_role}", "ready")).replace("gen_random_uuid()", "'{work_item}'")
                + " ON CONFLICT (id) DO UPDATE SET payload = '{}'"
            ),
        ),
        Probe(
            "work handed back by an insert",
            of(ITEM % ("{my_id}", "{my_role}", "ready") + " RETURNING payload"),
        ),
        Probe("the fair shares", of("UPDATE public.tenants_tenantqueue SET weight = 1000")),
        Probe("the clock", of("SELECT * FROM public.tenants_dispatchclock FOR UPDATE")),
        Probe("the ledger of migrations", of("SELECT * FROM public.tenants_migrationledger")),
        Probe("the shared content types", of("UPDATE public.django_content_type SET model = 'x'")),
        Probe("the shared permissions", of("DELETE FROM public.auth_permission")),
    ),
)

RIGHTS = Family(
    "rights and definitions",
    (
        Probe("a table in public", of("CREATE TABLE public.accounts_department (name text)")),
        Probe("a table among one's own", of("CREATE TABLE {mine}.planted (id int)")),
        Probe("a table by a query", of("SELECT 1 AS id INTO {mine}.planted")),
        Probe("a table by a plan", of("EXPLAIN ANALYZE CREATE TABLE {mine}.planted AS SELECT 1")),
        Probe("a table at the other's", of("CREATE TABLE {other}.planted (id int)")),
        Probe("a schema", of("CREATE SCHEMA isolation_probe")),
        Probe("one's own table changed", of("ALTER TABLE accounts_department ADD COLUMN x int")),
        Probe(
            "one's own table given away",
            of("GRANT ALL ON accounts_department TO PUBLIC", "CREATE TABLE public.planted (id int)"),
        ),
        Probe("the other's table given", of(f'GRANT ALL ON {TABLE} TO "{{my_role}}"')),
        Probe("the other's role given", of('GRANT "{other_role}" TO "{my_role}"')),
        Probe("a role's settings", of('ALTER ROLE "{my_role}" SET search_path = {other}'), Alone.CANNOT),
        Probe("a role's settings for all", of("ALTER ROLE ALL SET search_path = {other}")),
        Probe("a role made", of("CREATE ROLE isolation_probe LOGIN SUPERUSER")),
        Probe("the server's settings", of("ALTER SYSTEM SET log_statement = 'none'")),
        Probe("the database's settings", of('ALTER DATABASE "{database}" SET search_path = {other}')),
        Probe(
            "default rights",
            of("ALTER DEFAULT PRIVILEGES IN SCHEMA {other} GRANT SELECT ON TABLES TO PUBLIC"),
            Alone.CANNOT,
        ),
        Probe(
            "a function with a path",
            of("CREATE FUNCTION {mine}.x() RETURNS int LANGUAGE sql SET search_path = {other} AS 'SELECT 1'"),
        ),
        Probe(
            "a function with a role",
            of("CREATE FUNCTION public.x() RETURNS int LANGUAGE sql SET role = '{other_role}' AS 'SELECT 1'"),
        ),
        Probe(
            "a function as its maker",
            of(
                "CREATE FUNCTION {mine}.x() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN 1; END'"
            ),
        ),
        Probe("a procedure called", of("CALL isolation_probe()")),
        Probe(
            "a trigger",
            of(
                "CREATE TRIGGER x BEFORE INSERT ON accounts_department"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            ),
        ),
        Probe("a rule", of("CREATE RULE x AS ON SELECT TO accounts_department DO INSTEAD SELECT 1")),
        Probe("a policy removed", of("DROP POLICY tenant_inserts_own ON public.tenants_workitem")),
        Probe("row security removed", of("ALTER TABLE public.tenants_workitem DISABLE ROW LEVEL SECURITY")),
        Probe("the catalog of roles", of("UPDATE pg_authid SET rolsuper = true")),
        Probe("the catalog of schemas", of("UPDATE pg_namespace SET nspacl = NULL")),
        Probe("the catalog of functions", of("INSERT INTO pg_proc SELECT * FROM pg_proc LIMIT 1")),
        Probe("a publication", of("CREATE PUBLICATION isolation_probe FOR ALL TABLES")),
        Probe("an event trigger", of("CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION x()")),
        Probe("the server's maintenance", of("VACUUM")),
        Probe("a checkpoint", of("CHECKPOINT")),
        Probe("a label", of("COMMENT ON SCHEMA {other} IS 'x'")),
        Probe("the tenant's schema dropped", of("DROP SCHEMA {other} CASCADE")),
    ),
)

FAMILIES = (OTHER_ROWS, WORK, RIGHTS)
