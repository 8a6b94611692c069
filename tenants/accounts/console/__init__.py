"""The HTML door of the accounts."""
