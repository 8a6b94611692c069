"""Plugs the tasks package into Django."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """The first floor: tasks, projects, people and what connects them."""

    name = "tasks"
    label = "tasks"
    default_auto_field = "django.db.models.BigAutoField"
