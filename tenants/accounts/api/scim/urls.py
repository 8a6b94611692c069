"""The routes of the SCIM door, below /scim/v2/."""

from django.urls import re_path

from tenants.accounts.api.scim.bulk import BulkView
from tenants.accounts.api.scim.discovery import (
    ConfigView,
    MeView,
    MissingView,
    ResourceTypesView,
    SchemasView,
)
from tenants.accounts.api.scim.resources import EverythingView, ListView, OneView, SearchView
from tenants.tenancy.states import stays_open

# A slash at the end changes nothing: clients are set up with one and without.
_END = "/?$"
# An id of a schema is a URN; nothing of it can be mistaken for a path.
_ID = r"(?P<id>[^/]{1,200})"
_search_people = stays_open(SearchView.as_view(kind="User"), "read_only")
_search_groups = stays_open(SearchView.as_view(kind="Group"), "read_only")
_search_everything = stays_open(EverythingView.as_view(http_method_names=["post", "options"]), "read_only")

scim_urlpatterns = [
    re_path(f"^ServiceProviderConfig{_END}", ConfigView.as_view(), name="config"),
    re_path(f"^Schemas{_END}", SchemasView.as_view(), name="schemas"),
    re_path(f"^Schemas/{_ID}{_END}", SchemasView.as_view(), name="schema"),
    re_path(f"^ResourceTypes{_END}", ResourceTypesView.as_view(), name="resource-types"),
    re_path(f"^ResourceTypes/{_ID}{_END}", ResourceTypesView.as_view(), name="resource-type"),
    re_path(f"^Users{_END}", ListView.as_view(kind="User"), name="users"),
    re_path(rf"^Users/\.search{_END}", _search_people, name="users-search"),
    re_path(f"^Users/{_ID}{_END}", OneView.as_view(kind="User"), name="user"),
    re_path(f"^Groups{_END}", ListView.as_view(kind="Group"), name="groups"),
    re_path(rf"^Groups/\.search{_END}", _search_groups, name="groups-search"),
    re_path(f"^Groups/{_ID}{_END}", OneView.as_view(kind="Group"), name="group"),
    re_path(f"^Bulk{_END}", BulkView.as_view(), name="bulk"),
    re_path(f"^Me{_END}", MeView.as_view(), name="me"),
    re_path("^$", EverythingView.as_view(http_method_names=["get", "head", "options"]), name="root"),
    re_path(rf"^\.search{_END}", _search_everything, name="root-search"),
    re_path("^", MissingView.as_view(), name="missing"),
]
