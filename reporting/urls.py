"""The routes of the reporting: the home page."""

from django.urls import URLPattern, path

from reporting.console.home import home_page

api_urlpatterns: list[URLPattern] = []
console_urlpatterns = [path("", home_page, name="home")]
