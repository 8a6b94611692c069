"""The routes of the reporting: the home page."""

from django.urls import URLPattern, path

from reporting.console.home import home_page
from tenants.accounts.clients import open_to_clients

api_urlpatterns: list[URLPattern] = []
console_urlpatterns = [path("", open_to_clients(home_page), name="home")]
