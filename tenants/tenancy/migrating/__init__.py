"""How existing tenants are migrated: the ledger, what a migration sends, who goes first, and one tenant's turn."""
