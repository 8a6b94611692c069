-- One row per schema of the parameters (schemas, roles): how many facts it has, and a fingerprint over all of them.
-- Only what the catalogs hold as it is: nothing is turned back into SQL, so thousands of schemas cost one pass. Equal
-- fingerprints mean equal schemas; different ones may still mean the same (a number of a type, the history of a
-- table's columns), which the description tells.
WITH place AS MATERIALIZED (
    SELECT n.oid AS ns, p.schema, p.role, r.oid AS role_oid, n.nspowner, n.nspacl
    FROM unnest(%s::text[], %s::text[]) AS p (schema, role)
    JOIN pg_namespace n ON n.nspname = p.schema
    LEFT JOIN pg_roles r ON r.rolname = p.role
),
relation AS MATERIALIZED (
    SELECT p.schema, p.role, c.oid, c.relname, c.relkind, c.relpersistence, c.relowner, c.relam, c.relacl,
           c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relispartition, c.relhasrules
    FROM pg_class c JOIN place p ON p.ns = c.relnamespace
),
fact AS (
    SELECT schema, ROW('schema', nspowner, replace(nspacl::text, role, '$'))::text AS line FROM place
    UNION ALL
    SELECT schema, ROW('relation', relname, relkind, relpersistence, relowner, relam, relrowsecurity,
                       relforcerowsecurity, relispartition, relhasrules, reloptions,
                       replace(relacl::text, role, '$'))::text
    FROM relation WHERE relkind <> 't'
    UNION ALL
    SELECT r.schema, ROW('column', r.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
                         a.attgenerated, a.attcollation, replace(a.attacl::text, r.role, '$'), d.adbin)::text
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    UNION ALL
    SELECT p.schema, ROW('constraint', k.conname, t.relname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
                         k.conkey, f.relname, k.confkey, k.confupdtype, k.confdeltype, k.confmatchtype, k.conbin)::text
    FROM pg_constraint k JOIN place p ON p.ns = k.connamespace
    LEFT JOIN pg_class t ON t.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
    WHERE k.contype <> 'n'
    UNION ALL
    SELECT r.schema, ROW('index', r.relname, t.relname, i.indisunique, i.indisprimary, i.indisvalid, i.indisready,
                         i.indnullsnotdistinct, i.indkey, i.indoption, i.indcollation, i.indclass, i.indexprs,
                         i.indpred)::text
    FROM relation r JOIN pg_index i ON i.indexrelid = r.oid JOIN pg_class t ON t.oid = i.indrelid
    WHERE r.relkind IN ('i', 'I')
    UNION ALL
    SELECT r.schema, ROW('sequence', r.relname, s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache,
                         s.seqcycle, t.relname, d.refobjsubid, d.deptype)::text
    FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN pg_class t ON t.oid = d.refobjid
    UNION ALL
    -- Those of foreign keys are the server's own; that one is switched off matters.
    SELECT r.schema, ROW('trigger', r.relname, CASE WHEN g.tgisinternal THEN '' ELSE g.tgname END, g.tgtype,
                         g.tgenabled, f.proname, g.tgargs, g.tgqual)::text
    FROM relation r JOIN pg_trigger g ON g.tgrelid = r.oid JOIN pg_proc f ON f.oid = g.tgfoid
    WHERE NOT g.tgisinternal OR g.tgenabled <> 'O'
    UNION ALL
    SELECT p.schema, ROW('function', f.proname, f.proargtypes, f.prorettype, f.prosrc, f.prosecdef, f.proconfig,
                         f.proowner, replace(f.proacl::text, p.role, '$'))::text
    FROM pg_proc f JOIN place p ON p.ns = f.pronamespace
    UNION ALL
    SELECT r.schema, ROW('policy', r.relname, y.polname, y.polcmd, y.polpermissive, y.polroles, y.polqual,
                         y.polwithcheck)::text
    FROM relation r JOIN pg_policy y ON y.polrelid = r.oid
    UNION ALL
    SELECT r.schema, ROW('rule', r.relname, w.rulename, w.ev_type, w.ev_enabled, w.ev_qual)::text
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE r.relhasrules
    UNION ALL
    SELECT p.schema, ROW('type', t.typname, t.typtype)::text
    FROM pg_type t JOIN place p ON p.ns = t.typnamespace WHERE t.typtype IN ('d', 'e', 'r', 'm')
    UNION ALL
    SELECT p.schema, ROW('default right', d.defaclrole, d.defaclobjtype, replace(d.defaclacl::text, p.role, '$'))::text
    FROM pg_default_acl d JOIN place p ON p.ns = d.defaclnamespace
    UNION ALL
    SELECT p.schema, ROW('role', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
                         r.rolreplication, r.rolbypassrls, r.rolconfig)::text
    FROM place p LEFT JOIN pg_roles r ON r.oid = p.role_oid
    UNION ALL
    SELECT p.schema, ROW('is in', m.roleid, m.admin_option, m.inherit_option, m.set_option)::text
    FROM place p JOIN pg_auth_members m ON m.member = p.role_oid
    UNION ALL
    SELECT p.schema, ROW('has in it', m.member, m.admin_option, m.inherit_option, m.set_option)::text
    FROM place p JOIN pg_auth_members m ON m.roleid = p.role_oid
)
SELECT schema, count(*), bit_xor(hashtextextended(line, 1)), bit_xor(hashtextextended(line, 2))
FROM fact GROUP BY schema
