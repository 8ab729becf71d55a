"""Addresses of the room's pages."""

from django.urls import path

from onedoor.notices import pages

app_name = "notices"
urlpatterns = [
    path("inbox", pages.inbox, name="inbox"),
    path("inbox/read", pages.all_read, name="all-read"),
    path("inbox/<uuid:notice>", pages.opened, name="opened"),
]
