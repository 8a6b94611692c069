"""The routes of the reporting: the home page."""

from django.urls import path

from reporting.console.home import home_page

console_urlpatterns = [path("", home_page, name="home")]
