"""Makes the core databases of a company in a workspace, or takes over those that are there."""
