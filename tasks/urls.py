"""The routes of the tasks: console below /tasks/, API below /api/v1/."""

from django.urls import include, path

from tasks.api.urls import api_urlpatterns
from tasks.console import (
    approvals,
    board,
    filters,
    milestones,
    project,
    projects,
    search,
    sharing,
    task,
    tasks,
    undoing,
)

__all__ = ["api_urlpatterns", "console_urlpatterns"]

_console = (
    [
        path("", tasks.task_list, name="list"),
        path("approvals/", approvals.approvals, name="approvals"),
        path("approvals/<uuid:approval_id>/", approvals.approval, name="approval"),
        path("approvals/<uuid:approval_id>/answer/", approvals.answer, name="answer_approval"),
        path("approvals/<uuid:approval_id>/withdraw/", approvals.withdraw, name="withdraw_approval"),
        path("board/", board.board, name="board"),
        path("board/<slug:status>/", board.column, name="column"),
        path("bulk/", tasks.change_many, name="bulk"),
        path("filters/<slug:facet>/", filters.options, name="filter"),
        path("milestones/<uuid:milestone_id>/", milestones.edit, name="milestone"),
        path("milestones/<uuid:milestone_id>/delete/", milestones.delete, name="delete_milestone"),
        path("milestones/<uuid:milestone_id>/reached/", milestones.reached, name="reach_milestone"),
        path("new/", task.new, name="new"),
        path("people/", tasks.people, name="people"),
        path("projects/", projects.project_list, name="projects"),
        path("projects/new/", projects.new, name="new_project"),
        path("projects/<uuid:project_id>/", project.detail, name="project"),
        path(
            "projects/<uuid:project_id>/approval/", approvals.ask_about_project, name="ask_project_approval"
        ),
        path("projects/<uuid:project_id>/edit/", projects.edit, name="edit_project"),
        path("projects/<uuid:project_id>/share/", sharing.share_project, name="share_project"),
        path("projects/<uuid:project_id>/unshare/", sharing.unshare_project, name="unshare_project"),
        path("search/", search.search, name="search"),
        path("undo/<str:token>/", undoing.put_back, name="undo"),
        path("<slug:key>/", task.detail, name="detail"),
        path("<slug:key>/approval/", approvals.ask_about_task, name="ask_approval"),
        path("<slug:key>/archive/", task.archive, name="archive"),
        path("<slug:key>/comment/", task.comment, name="comment"),
        path("<slug:key>/edit/", task.edit, name="edit"),
        path("<slug:key>/link/", task.link, name="link"),
        path("<slug:key>/move/", board.move, name="move"),
        path("<slug:key>/restore/", task.restore, name="restore"),
        path("<slug:key>/set/", task.set_property, name="set"),
        path("<slug:key>/share/", sharing.share_task, name="share"),
        path("<slug:key>/unlink/", task.unlink, name="unlink"),
        path("<slug:key>/unshare/", sharing.unshare_task, name="unshare"),
    ],
    "tasks",
)

console_urlpatterns = [path("tasks/", include(_console))]
