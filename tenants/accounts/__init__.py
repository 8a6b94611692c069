"""Users, departments, roles, invitations and API tokens of one company."""
