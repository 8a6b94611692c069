-- What one schema holds, in words: kind, name, definition. Parameters: schema, its role (or null). The caller has put
-- the schema first in its search_path, so most definitions do not name it; where they do, the caller takes it out.
WITH here AS (
    SELECT n.oid AS ns, n.nspname, n.nspowner, n.nspacl, r.oid AS role_oid, r.rolname
    FROM (SELECT %s::text AS schema, %s::text AS role) AS p JOIN pg_namespace n ON n.nspname = p.schema
    LEFT JOIN pg_roles r ON r.rolname = p.role
),
relation AS (
    SELECT c.*, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
        WHEN 'c' THEN 'type' END AS kind
    FROM pg_class c JOIN here ON here.ns = c.relnamespace
),
function AS (
    SELECT f.oid, f.prokind, f.proowner AS owner, f.proacl AS acl,
           format('function %%s(%%s)', f.proname, pg_get_function_identity_arguments(f.oid)) AS called
    FROM pg_proc f JOIN here ON here.ns = f.pronamespace
),
fact (kind, name, definition) AS (
    SELECT kind, relname::text, concat_ws(' ',
               CASE relpersistence WHEN 'u' THEN 'unlogged' END,
               CASE WHEN relrowsecurity THEN 'row security' END,
               CASE WHEN relforcerowsecurity THEN 'forced row security' END,
               CASE WHEN relispartition THEN 'partition' END,
               array_to_string(reloptions, ','))
    FROM relation WHERE kind IS NOT NULL
    UNION ALL
    SELECT 'column', r.relname || '.' || a.attname, concat_ws(' ',
               format_type(a.atttypid, a.atttypmod),
               CASE WHEN a.attcollation <> y.typcollation THEN 'collate ' || a.attcollation::regcollation END,
               CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END,
               CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
               CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text ELSE
                    CASE WHEN d.adbin IS NOT NULL THEN 'default' END END,
               pg_get_expr(d.adbin, d.adrelid))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.kind IS NOT NULL AND r.kind <> 'sequence'
    UNION ALL
    SELECT 'order of columns', r.relname::text, string_agg(a.attname, ' ' ORDER BY a.attnum)
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.kind = 'table' GROUP BY r.relname
    UNION ALL
    SELECT 'constraint', coalesce(r.relname || '.', '') || k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN here ON here.ns = k.connamespace LEFT JOIN relation r ON r.oid = k.conrelid
    WHERE k.contype <> 'n'
    UNION ALL
    SELECT 'index', r.relname::text,
           pg_get_indexdef(r.oid) || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' invalid' END
    FROM relation r JOIN pg_index i ON i.indexrelid = r.oid
    UNION ALL
    SELECT 'sequence of', r.relname::text, concat_ws(' ', s.seqtypid::regtype,
               'from', s.seqstart, 'by', s.seqincrement, 'in', s.seqmin, s.seqmax, 'cache', s.seqcache,
               CASE WHEN s.seqcycle THEN 'cycle' END, 'owned by', t.relname || '.' || a.attname)
    FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN pg_class t ON t.oid = d.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    UNION ALL
    SELECT 'trigger', r.relname || '.' || g.tgname,
           pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' enabled ' || g.tgenabled::text END
    FROM relation r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'checks of foreign keys', r.relname::text, 'switched off: ' || count(*)
    FROM relation r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE g.tgisinternal AND g.tgenabled <> 'O'
    GROUP BY r.relname
    UNION ALL
    SELECT 'function', substr(called, 10),
           CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(oid) ELSE prokind::text END FROM function
    UNION ALL
    SELECT 'policy', r.relname || '.' || y.polname, concat_ws(' ', y.polcmd, y.polpermissive,
               (SELECT string_agg(CASE WHEN u = here.role_oid THEN '$role' ELSE pg_get_userbyid(u) END, ',')
                FROM unnest(y.polroles) u),
               pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid))
    FROM relation r JOIN pg_policy y ON y.polrelid = r.oid CROSS JOIN here
    UNION ALL
    SELECT CASE WHEN r.kind IN ('view', 'materialized view') THEN 'definition' ELSE 'rule' END,
           r.relname || '.' || w.rulename, pg_get_ruledef(w.oid)
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
    UNION ALL
    SELECT 'type', t.typname::text, concat_ws(' ', t.typtype, pg_get_expr(t.typdefaultbin, 0),
               (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM pg_type t JOIN here ON here.ns = t.typnamespace WHERE t.typtype IN ('d', 'e', 'r', 'm')
    UNION ALL
    -- Owners: "$owner" is whoever asks.
    SELECT 'owner', o.name, CASE WHEN pg_get_userbyid(o.id) = current_user THEN '$owner' ELSE pg_get_userbyid(o.id) END
    FROM (
        SELECT 'schema' AS name, nspowner AS id FROM here
        UNION ALL SELECT 'relation ' || relname, relowner FROM relation WHERE kind IS NOT NULL
        UNION ALL SELECT called, owner FROM function
    ) AS o
    UNION ALL
    -- What anybody but the owner may do: "$role" is the schema's own role.
    SELECT 'right', format('%%s to %%s', g.name, CASE WHEN e.grantee = here.role_oid THEN '$role'
               WHEN e.grantee = 0 THEN 'everybody' ELSE pg_get_userbyid(e.grantee) END),
           string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN ' with grant option' ELSE '' END, ', '
                      ORDER BY e.privilege_type)
    FROM (
        SELECT 'schema' AS name, nspacl AS acl, nspowner AS owner FROM here
        UNION ALL SELECT kind || ' ' || relname, relacl, relowner FROM relation WHERE kind IS NOT NULL
        UNION ALL SELECT format('column %%s.%%s', r.relname, a.attname), a.attacl, r.relowner
            FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
        UNION ALL SELECT called, acl, owner FROM function
        UNION ALL SELECT 'new ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
                WHEN 'f' THEN 'functions' ELSE d.defaclobjtype::text END, d.defaclacl, d.defaclrole
            FROM pg_default_acl d JOIN here ON here.ns = d.defaclnamespace
    ) AS g CROSS JOIN here CROSS JOIN LATERAL aclexplode(g.acl) AS e
    WHERE e.grantee <> g.owner
    GROUP BY g.name, e.grantee, here.role_oid
    UNION ALL
    SELECT 'role', '$role', concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END,
               CASE WHEN rolcreaterole THEN 'makes roles' END, CASE WHEN rolcreatedb THEN 'makes databases' END,
               CASE WHEN rolcanlogin THEN 'signs in' END, CASE WHEN rolreplication THEN 'replicates' END,
               CASE WHEN rolbypassrls THEN 'is above row security' END, array_to_string(rolconfig, ','))
    FROM pg_roles JOIN here ON here.role_oid = pg_roles.oid
    UNION ALL
    SELECT 'role', '$role is in ' || pg_get_userbyid(m.roleid),
           CASE WHEN m.admin_option THEN 'as administrator' ELSE '' END
    FROM pg_auth_members m JOIN here ON here.role_oid = m.member
    UNION ALL
    SELECT 'role', pg_get_userbyid(m.member) || ' may enter $role',
           concat_ws(' ', CASE WHEN m.inherit_option THEN 'inherits' END, CASE WHEN m.set_option THEN 'sets' END)
    FROM pg_auth_members m JOIN here ON here.role_oid = m.roleid
    -- Who makes a role is its administrator.
    WHERE pg_get_userbyid(m.member) <> current_user
)
SELECT kind, name, definition FROM fact
WHERE name NOT LIKE 'django_migrations%%' AND name NOT LIKE '%% django_migrations%%'
