"""Plugs the tasks package into Django."""

from django.apps import AppConfig

from tasks import navigation, permissions


class TasksConfig(AppConfig):
    """The first floor: tasks, projects, people and what connects them."""

    name = "tasks"
    label = "tasks"

    def ready(self) -> None:
        """Make the permissions and the pages of this package known."""
        permissions.register()
        navigation.register()
