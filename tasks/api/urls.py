"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tasks.api.approvals import ApprovalViewSet
from tasks.api.projects import ProjectViewSet
from tasks.api.shares import ProjectSharesView, TaskSharesView
from tasks.api.tasks import TaskViewSet

_task_routes = SimpleRouter()
_task_routes.register("tasks", TaskViewSet, basename="task")
_project_routes = SimpleRouter(use_regex_path=False)
_project_routes.register("projects", ProjectViewSet, basename="project")
_approval_routes = SimpleRouter(use_regex_path=False)
_approval_routes.register("approvals", ApprovalViewSet, basename="approval")

_shares = [
    path("tasks/<str:key>/shares/", TaskSharesView.as_view(), name="task-shares"),
    path("projects/<uuid:id>/shares/", ProjectSharesView.as_view(), name="project-shares"),
]
api_urlpatterns = [
    path("", include(_shares)),
    path("", include(_task_routes.urls)),
    path("", include(_project_routes.urls)),
    path("", include(_approval_routes.urls)),
]
