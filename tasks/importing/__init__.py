"""Many tasks, people and relations written at once, as an import brings them."""
