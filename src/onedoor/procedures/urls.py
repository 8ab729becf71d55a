"""Addresses of the room's pages."""

from django.urls import path

from onedoor.procedures import pages

app_name = "procedures"
urlpatterns = [
    path("", pages.home, name="home"),
    path("services/", pages.search, name="search"),
    path("services", pages.search),
    path("services/<str:service_id>", pages.service, name="service"),
]
