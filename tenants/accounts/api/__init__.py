"""The JSON door of the accounts."""
