"""The routes of this door, below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tasks.api.approvals import ApprovalViewSet
from tasks.api.milestones import MilestoneViewSet, ProjectMilestoneViewSet
from tasks.api.projects import ProjectViewSet
from tasks.api.shares import ProjectSharesView, TaskSharesView
from tasks.api.tasks import TaskViewSet

_task_routes = SimpleRouter()
_task_routes.register("tasks", TaskViewSet, basename="task")
_project_routes = SimpleRouter(use_regex_path=False)
_project_routes.register("projects", ProjectViewSet, basename="project")
_milestone_routes = SimpleRouter(use_regex_path=False)
_milestone_routes.register("milestones", MilestoneViewSet, basename="milestone")
_approval_routes = SimpleRouter(use_regex_path=False)
_approval_routes.register("approvals", ApprovalViewSet, basename="approval")

_shares = [
    path("tasks/<str:key>/shares/", TaskSharesView.as_view(), name="task-shares"),
    path("projects/<uuid:id>/shares/", ProjectSharesView.as_view(), name="project-shares"),
]
_of_projects = [
    path(
        "projects/<uuid:id>/milestones/",
        ProjectMilestoneViewSet.as_view({"get": "list", "post": "create"}),
        name="project-milestone-list",
    ),
]
api_urlpatterns = [
    path("", include(_of_projects)),
    path("", include(_shares)),
    path("", include(_task_routes.urls)),
    path("", include(_project_routes.urls)),
    path("", include(_milestone_routes.urls)),
    path("", include(_approval_routes.urls)),
]
