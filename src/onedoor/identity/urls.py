"""Addresses of the room's pages."""

from django.urls import path

from onedoor.identity import pages

app_name = "identity"
urlpatterns = [
    path("sign-in", pages.sign_in, name="sign-in"),
    path("sign-out", pages.sign_out, name="sign-out"),
]
