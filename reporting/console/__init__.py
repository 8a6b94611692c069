"""The HTML door of the reporting."""
