"""Plugs the tasks package into Django."""

from importlib import import_module

from django.apps import AppConfig

from tasks import navigation, permissions


class TasksConfig(AppConfig):
    """The first floor: tasks, projects, people and what connects them."""

    name = "tasks"
    label = "tasks"

    def ready(self) -> None:
        """Make the permissions and the pages of this package known."""
        permissions.register()
        # Knows the models, which are there only now.
        import_module("tasks.guarding").register()
        navigation.register()
