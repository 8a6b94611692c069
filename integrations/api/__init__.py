"""The JSON door of the integrations."""
