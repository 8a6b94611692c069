"""Tags of the reporting's pages."""
