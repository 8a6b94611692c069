"""Plugs the tasks package into Django."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.db import models

from tasks import navigation, permissions


class TasksConfig(AppConfig):
    """The first floor: tasks, projects, people and what connects them."""

    name = "tasks"
    label = "tasks"

    def ready(self) -> None:
        """Make the permissions and the pages of this package known."""
        permissions.register()
        _leave_out_the_tables_nobody_has()
        # Knows the models, which are there only now.
        import_module("tasks.guarding").register()
        import_module("tasks.approvals.letters").register()
        navigation.register()


def _leave_out_the_tables_nobody_has() -> None:
    """Guardian brings models of its own beside the bases we use (decision 0022), and no schema has their tables.

    Whoever deletes a user must not look into them for what has to be deleted as well.
    """
    for model in apps.get_app_config("guardian").get_models():
        for part in model._meta.local_fields:
            if isinstance(part, models.ForeignKey):
                part.remote_field.on_delete = models.DO_NOTHING
