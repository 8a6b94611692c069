"""Attacks on the server: its files, processes, messages and locks, and what stays on a connection for the next one."""

from tenants.tenancy.probes.probe import Alone, Family, Probe, Way, of

FILES = Family(
    "files and programs",
    (
        Probe("a file read", of("SELECT pg_read_file('postgresql.conf')")),
        Probe("a binary file read", of("SELECT pg_read_binary_file('PG_VERSION')")),
        Probe("a folder listed", of("SELECT pg_ls_dir('.')")),
        Probe("the log's folder listed", of("SELECT * FROM pg_ls_logdir()")),
        Probe("a file's dates", of("SELECT * FROM pg_stat_file('PG_VERSION')")),
        Probe("a file imported", of("SELECT lo_import('/etc/hostname')")),
        Probe("copied into a file", of("COPY accounts_department TO '/tmp/isolation-probe'")),
        Probe("copied from a file", of("COPY accounts_department FROM '/etc/hostname'")),
        Probe("copied to a program", of("COPY accounts_department TO PROGRAM 'cat'")),
        Probe("copied from a program", of("COPY accounts_department FROM PROGRAM 'id' -- FROM STDIN")),
        Probe("a query copied to a program", of("COPY (SELECT 1) TO PROGRAM 'cat'"), way=Way.COPY),
        Probe("a library loaded", of("LOAD '/tmp/isolation-probe.so'")),
        Probe("a foreign server", of("CREATE SERVER x FOREIGN DATA WRAPPER postgres_fdw")),
        Probe("a foreign data wrapper", of("CREATE FOREIGN DATA WRAPPER x")),
        Probe("a foreign table", of("CREATE FOREIGN TABLE {mine}.x (id int) SERVER x")),
    ),
)

PROCESSES = Family(
    "processes, messages and locks",
    (
        Probe("a session ended", of("SELECT pg_terminate_backend({victim})")),
        Probe("a statement cancelled", of("SELECT pg_cancel_backend({victim})")),
        Probe("a lock for the session", of("SELECT pg_advisory_lock(1)")),
        Probe("a lock for the transaction", of("SELECT pg_advisory_xact_lock(1)")),
        Probe("a lock tried", of("SELECT pg_try_advisory_lock(1, 1)")),
        Probe("all locks given back", of("SELECT pg_advisory_unlock_all()")),
        Probe("listening", of("LISTEN isolation_probe"), Alone.CANNOT),
        Probe("notifying", of("NOTIFY isolation_probe, 'x'"), Alone.CANNOT),
        Probe("notifying by function", of("SELECT pg_notify('isolation_probe', 'x')")),
        Probe("sleeping", of("SELECT pg_sleep(0.01)")),
        Probe("the write-ahead log", of("SELECT pg_logical_emit_message(false, 'x', 'y')")),
        Probe("a replication slot", of("SELECT pg_create_physical_replication_slot('isolation_probe')")),
        Probe("a snapshot handed on", of("SELECT pg_export_snapshot()")),
        Probe("settings read again", of("SELECT pg_reload_conf()")),
        Probe("statistics reset", of("SELECT pg_stat_reset()")),
    ),
)

LASTING = Family(
    "left for the next one",
    (
        Probe(
            "a temporary table before one's own", of("CREATE TEMPORARY TABLE accounts_department (name text)")
        ),
        Probe("a temporary table by a query", of("SELECT 1 AS name INTO TEMPORARY accounts_department")),
        Probe("a view in pg_temp", of("CREATE VIEW pg_temp.accounts_department AS SELECT 1")),
        Probe(
            "a function in pg_temp", of("CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        ),
        Probe("a prepared statement", of("PREPARE isolation_probe AS SELECT 1"), Alone.CANNOT),
        Probe("a prepared statement run", of("EXECUTE isolation_probe")),
        Probe("a cursor held", of("DECLARE isolation_probe CURSOR WITH HOLD FOR SELECT 1"), Alone.CANNOT),
        Probe("a large object", of("SELECT lo_create(0)")),
        Probe("a large object from bytes", of("SELECT lo_from_bytea(0, '\\x00')")),
        Probe("the other's large object read", of("SELECT encode(lo_get({large_object}), 'escape')")),
        Probe("the other's large object opened", of("SELECT loread(lo_open({large_object}, 262144), 100)")),
        Probe("the other's large object removed", of("SELECT lo_unlink({large_object})")),
        Probe("a setting of an extension", of("SELECT set_limit(0.9)")),
        Probe("a seed for random numbers", of("SELECT setseed(0.5)")),
        Probe("a setting for the session", of("SET statement_timeout = 1"), Alone.CANNOT),
        Probe("a setting of the transaction", of("SET TRANSACTION READ ONLY"), Alone.CANNOT),
        Probe("checks put off", of("SET CONSTRAINTS ALL DEFERRED"), Alone.CANNOT),
        Probe("a transaction in two phases", of("PREPARE TRANSACTION 'isolation_probe'")),
    ),
)

FAMILIES = (FILES, PROCESSES, LASTING)
