"""The routes of the reporting: the home page, and the client portal with its preview for colleagues."""

from django.urls import URLPattern, include, path

from reporting.console import portal, portal_approvals
from reporting.console.home import home_page
from tenants.accounts.clients import open_to_clients

api_urlpatterns: list[URLPattern] = []

_pages = [
    path("", open_to_clients(portal.home), name="home"),
    path("approvals/", open_to_clients(portal_approvals.approvals), name="approvals"),
    path("approvals/<uuid:approval_id>/", open_to_clients(portal_approvals.approval), name="approval"),
    path("projects/<uuid:project_id>/", open_to_clients(portal.project), name="project"),
    path("projects/<uuid:project_id>/report/", open_to_clients(portal.report), name="report"),
    path("projects/<uuid:project_id>/report.csv", open_to_clients(portal.report_csv), name="report_csv"),
    path("tasks/<slug:key>/", open_to_clients(portal.task), name="task"),
]
_answers = [
    path("approvals/<uuid:approval_id>/answer/", open_to_clients(portal_approvals.answer), name="answer"),
    path("tasks/<slug:key>/comment/", open_to_clients(portal.comment), name="comment"),
    path("tasks/<slug:key>/complete/", open_to_clients(portal.complete), name="complete"),
]

console_urlpatterns = [
    path("", open_to_clients(home_page), name="home"),
    path("portal/as/<uuid:user_id>/", include((_pages, "portal_as"))),
    path("portal/", include(([*_pages, *_answers], "portal"))),
]
