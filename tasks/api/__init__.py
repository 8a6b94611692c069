"""The JSON door of the tasks."""
