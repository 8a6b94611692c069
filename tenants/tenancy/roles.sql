-- Rights of the login role and of the tenants' roles. ":login" is replaced by the login role's quoted name.

-- section: control
GRANT USAGE ON SCHEMA public TO :login;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :login;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :login;

-- section: cell
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'nts_tenant') THEN
    CREATE ROLE nts_tenant NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- A temporary table would stand before the tenant's own of that name.
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
GRANT USAGE ON SCHEMA public TO :login, nts_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :login;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM nts_tenant;
-- A tenant may ask for work and nothing else here: it can neither read nor change what others asked for.
GRANT INSERT ON tenants_workitem TO nts_tenant;
GRANT SELECT ON django_content_type, auth_permission TO nts_tenant;
ALTER TABLE tenants_workitem ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS platform_all ON tenants_workitem;
CREATE POLICY platform_all ON tenants_workitem TO :login USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tenant_inserts_own ON tenants_workitem;
-- The number is the scope's: under another's a tenant would take that one's slots and its share of the workers.
-- Who may not enter its own schema here has moved away: then the first schema on its path that it may use is public.
CREATE POLICY tenant_inserts_own ON tenants_workitem FOR INSERT TO nts_tenant
  WITH CHECK (tenant_role = current_user AND tenant_id::text = current_setting('nts.tenant', true)
              AND state = 'ready' AND current_schema() <> 'public');
