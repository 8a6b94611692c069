"""The HTML door of the integrations: workspaces, mappings, sync runs."""
