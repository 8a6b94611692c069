"""Management commands of the integrations."""
