-- One row for each right that differs from what a cell may give away, with the statement that sets it right; no row:
-- the database is hardened. ":owner", ":login" and ":prefix" are replaced by the quoted names of the roles, and by what
-- the names of tenants' roles begin with.
--
-- PostgreSQL lets everybody read its catalogs and call functions that change settings, run text as SQL, keep files,
-- take locks or hold messages. A tenant's role may do none of it. Closed is everything volatile or looking at the
-- server, unless it is named here, so that a function of a later release is closed until somebody has thought about it.
WITH
roles AS (
    SELECT :owner AS owner, :login AS login, :prefix AS prefix
),
-- Nobody of these may hold what is closed: everybody (0), and the tenants' group with its members.
refused AS (
    SELECT 0::oid AS id
    UNION SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'nts_tenant'
    -- Who made the group holds it without inheriting from it.
    UNION SELECT m.member FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
          WHERE g.rolname = 'nts_tenant' AND m.inherit_option
),
functions AS (
    SELECT p.oid, n.nspname, p.proname, p.provolatile, p.proacl, p.proowner,
           format('ROUTINE %I.%I(%s)', n.nspname, p.proname,
                  pg_catalog.pg_get_function_identity_arguments(p.oid)) AS target
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    -- Nobody can call what takes or gives the server's inner values: index methods, triggers, aggregates' states.
    WHERE NOT ('internal'::regtype = ANY (p.proargtypes))
      AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype,
                               'language_handler'::regtype, 'tsm_handler'::regtype, 'index_am_handler'::regtype,
                               'table_am_handler'::regtype)
),
closed_functions AS (
    SELECT oid, target, proacl, proowner,
           nspname = 'pg_catalog' AND (
               -- What the platform itself uses beside its tables: locks, the place in the write-ahead log, sizes.
               proname ~ '^pg_(try_)?advisory_' OR proname ~ '^pg_.*_(lsn|size)$'
               OR proname IN ('pg_is_in_recovery', 'pg_last_xact_replay_timestamp', 'pg_blocking_pids',
                               'pg_lock_status')
               -- What the driver and Django look up in the catalogs.
               OR proname IN ('makeaclitem', 'acldefault', 'aclexplode')
               OR (provolatile = 's' AND proname !~ '_to_xml'
                   AND proname <> 'pg_show_all_settings')
           ) AS is_for_login
    FROM functions
    WHERE nspname = 'pg_catalog' AND (
        (provolatile = 'v' AND proname NOT IN (
            'nextval', 'currval', 'lastval', 'random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7',
            'clock_timestamp', 'timeofday', 'array_sample', 'array_shuffle'))
        -- The first run text as SQL, the others spell out roles' names by number.
        OR proname ~ '_to_xml' OR proname IN ('makeaclitem', 'acldefault', 'aclexplode', 'aclinsert', 'aclremove')
        -- They tell names, rights and texts of what the caller may not see.
        OR (provolatile = 's' AND (
            proname ~ '^(pg_|has_|to_reg|inet_)' OR proname ~ '_description$'
            OR proname IN ('format_type', 'oidvectortypes'))
            AND proname NOT IN (
                'pg_cursor', 'pg_column_size', 'pg_collation_for', 'pg_client_encoding', 'pg_trigger_depth',
                'pg_current_xact_id', 'pg_current_xact_id_if_assigned', 'pg_current_snapshot')))
    -- Whatever else was installed, dblink for one: tenants use the index on parts of words alone, and may not set
    -- its limit, which would stay on the connection.
    OR nspname NOT IN ('pg_catalog', 'information_schema') AND proname = 'set_limit'
    OR nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = functions.oid
          AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_trgm')
),
closed AS (
    SELECT target, 'EXECUTE' AS right_given, 'ALL' AS right_taken, coalesce(proacl, acldefault('f', proowner)) AS acl,
           is_for_login, 'pg_catalog.pg_proc'::regclass AS class, oid, 0 AS sub, acldefault('f', proowner) AS usual
    FROM closed_functions
    UNION ALL
    -- Every catalog: the server reads them for itself, a tenant's statement has no business there. The one that stays
    -- shows a session its own open cursors, which the driver asks for before it closes one.
    SELECT format('TABLE %I.%I', n.nspname, c.relname), 'SELECT', 'ALL', coalesce(c.relacl, acldefault('r', c.relowner)),
           c.relname NOT IN ('pg_settings', 'pg_prepared_xacts'),
           'pg_catalog.pg_class'::regclass, c.oid, 0,
           -- The server keeps no note of what it first gave away of its views for other tools.
           CASE WHEN n.nspname = 'information_schema' AND c.relname !~ '^_'
                THEN ARRAY[makeaclitem(0, c.relowner, 'SELECT', false)] ELSE acldefault('r', c.relowner) END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v', 'm')
      AND c.relname <> 'pg_cursors'
    UNION ALL
    SELECT format('TABLE %I.%I', n.nspname, c.relname), format('SELECT (%I)', a.attname), format('ALL (%I)', a.attname),
           a.attacl, true, 'pg_catalog.pg_class'::regclass, c.oid, a.attnum, NULL
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND a.attacl IS NOT NULL
    UNION ALL
    SELECT format('LANGUAGE %I', lanname), 'USAGE', 'ALL', coalesce(lanacl, acldefault('l', lanowner)), false,
           'pg_catalog.pg_language'::regclass, oid, 0, acldefault('l', lanowner)
    FROM pg_catalog.pg_language WHERE lanpltrusted
    UNION ALL
    SELECT 'SCHEMA information_schema', 'USAGE', 'ALL', coalesce(nspacl, acldefault('n', nspowner)), true,
           'pg_catalog.pg_namespace'::regclass, oid, 0, ARRAY[makeaclitem(0, nspowner, 'USAGE', false)]
    FROM pg_catalog.pg_namespace WHERE nspname = 'information_schema'
),
-- What nobody needs at all; the owner holds its own things by owning them.
unneeded AS (
    SELECT format('TABLE %I.%I', n.nspname, c.relname) AS target, 'ALL' AS right_taken, c.relacl AS acl
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND EXISTS (
        SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL
    SELECT format('SCHEMA %I', nspname), CASE nspname WHEN 'public' THEN 'CREATE' ELSE 'ALL' END, nspacl
    FROM pg_catalog.pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND EXISTS (
        SELECT FROM aclexplode(nspacl) a
        WHERE a.grantee = 0 AND (a.privilege_type = 'CREATE' OR nspname <> 'public'))
    UNION ALL
    SELECT format('DATABASE %I', datname), 'TEMPORARY', coalesce(datacl, acldefault('d', datdba))
    FROM pg_catalog.pg_database WHERE datname = current_database() AND EXISTS (
        SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'TEMPORARY')
    UNION ALL
    SELECT format('FOREIGN DATA WRAPPER %I', fdwname), 'ALL', fdwacl FROM pg_catalog.pg_foreign_data_wrapper
    WHERE EXISTS (SELECT FROM aclexplode(fdwacl) a WHERE a.grantee = 0)
    UNION ALL
    SELECT format('FOREIGN SERVER %I', srvname), 'ALL', srvacl FROM pg_catalog.pg_foreign_server
    WHERE EXISTS (SELECT FROM aclexplode(srvacl) a WHERE a.grantee = 0)
),
login_settings (name, value, is_fixed) AS (
    -- Otherwise Django sets the zone on each connection, by the function that is closed; nothing runs for ever, and no
    -- sort fills the disk that all share.
    VALUES ('timezone', 'UTC', true), ('statement_timeout', '60s', false),
           ('idle_in_transaction_session_timeout', '5min', false), ('temp_file_limit', '4GB', false)
)
SELECT 'everybody or a tenant may use ' || c.target AS fault,
       format('REVOKE %s ON %s FROM %s', c.right_taken, c.target,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
           AS statement
FROM closed c CROSS JOIN LATERAL (SELECT DISTINCT grantee FROM aclexplode(c.acl)) a JOIN refused r ON r.id = a.grantee
UNION ALL
SELECT string_agg(keeper.name, ', ') || ' may not use ' || c.target,
       format('GRANT %s ON %s TO %s', c.right_given, c.target, string_agg(quote_ident(keeper.name), ', '))
FROM closed c CROSS JOIN roles
CROSS JOIN LATERAL (
    SELECT roles.owner UNION SELECT roles.login WHERE c.is_for_login UNION SELECT 'pg_monitor' WHERE c.is_for_login
) keeper (name)
JOIN pg_catalog.pg_roles role ON role.rolname = keeper.name
LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = c.class AND i.objoid = c.oid AND i.objsubid = c.sub
WHERE NOT role.rolsuper
  -- Only what PostgreSQL gives to everybody is given back: what a superuser alone may use stays so.
  AND EXISTS (SELECT FROM aclexplode(coalesce(i.initprivs, c.usual)) a WHERE a.grantee = 0)
  AND NOT EXISTS (
    SELECT FROM aclexplode(c.acl) a
    WHERE a.grantee IN (0, role.oid) AND a.privilege_type = split_part(c.right_given, ' ', 1))
GROUP BY c.target, c.right_given
UNION ALL
SELECT 'everybody may use ' || target, format('REVOKE %s ON %s FROM PUBLIC', right_taken, target) FROM unneeded
UNION ALL
SELECT 'the driver may not look up a session''s cursors', 'GRANT SELECT ON TABLE pg_catalog.pg_cursors TO PUBLIC'
FROM pg_catalog.pg_class c
WHERE c.oid = 'pg_catalog.pg_cursors'::regclass AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
UNION ALL
SELECT 'the driver may not look up a session''s cursors', 'GRANT EXECUTE ON ROUTINE pg_catalog.pg_cursor() TO PUBLIC'
FROM pg_catalog.pg_proc p
WHERE p.oid = 'pg_catalog.pg_cursor()'::regprocedure AND p.proacl IS NOT NULL
  AND NOT EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0)
UNION ALL
SELECT 'functions made from now on are everybody''s',
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON ROUTINES FROM PUBLIC', roles.owner)
FROM roles JOIN pg_catalog.pg_roles o ON o.rolname = roles.owner
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_default_acl d
    WHERE d.defaclrole = o.oid AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
      AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0))
UNION ALL
SELECT 'the login role has no ' || s.name,
       format('ALTER ROLE %I IN DATABASE %I SET %I TO %L', roles.login, current_database(), s.name, s.value)
FROM login_settings s CROSS JOIN roles JOIN pg_catalog.pg_roles l ON l.rolname = roles.login
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) entry
    WHERE d.setrole = l.oid
      AND d.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND lower(split_part(entry, '=', 1)) = s.name
      AND (NOT s.is_fixed OR split_part(entry, '=', 2) = s.value))
UNION ALL
SELECT format('the role %I may do more than a role of its kind needs', r.rolname), NULL
FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles l ON l.rolname = (SELECT login FROM roles)
WHERE (r.oid = l.oid AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication))
   -- Roles are the server's: those of another installation on it are for that one to look after.
   OR (r.oid IN (SELECT id FROM refused WHERE id <> 0)
       AND (r.rolname = 'nts_tenant' OR starts_with(r.rolname, (SELECT prefix FROM roles)))
       AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole OR r.rolcreatedb OR r.rolcanlogin))
UNION ALL
SELECT format('the role %I is a member of %I', member.rolname, granted.rolname), NULL
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles member ON member.oid = m.member JOIN pg_catalog.pg_roles granted ON granted.oid = m.roleid
WHERE m.member IN (SELECT id FROM refused WHERE id <> 0) AND granted.rolname <> 'nts_tenant'
      AND (member.rolname = 'nts_tenant' OR starts_with(member.rolname, (SELECT prefix FROM roles)))
   OR member.rolname = (SELECT login FROM roles) AND granted.rolname ~ '^pg_(read|write|execute|signal|use|create|maint)'
ORDER BY 1
