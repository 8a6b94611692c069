"""The HTML door of the tasks."""
