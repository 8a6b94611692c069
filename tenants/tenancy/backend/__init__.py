"""The database backend of the cells (``ENGINE = "tenants.tenancy.backend"``)."""
