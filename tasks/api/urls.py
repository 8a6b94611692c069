"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tasks.api.projects import ProjectViewSet
from tasks.api.tasks import TaskViewSet

_task_routes = SimpleRouter()
_task_routes.register("tasks", TaskViewSet, basename="task")
_project_routes = SimpleRouter(use_regex_path=False)
_project_routes.register("projects", ProjectViewSet, basename="project")

api_urlpatterns = [path("", include(_task_routes.urls)), path("", include(_project_routes.urls))]
