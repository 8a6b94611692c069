"""The lint of migrations: the release before must go on working on the schema of the next one."""
