"""The operators' pages, on the platform's own host."""
