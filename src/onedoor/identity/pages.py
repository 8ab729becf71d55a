"""The demonstration's sign-in, and signing out."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from onedoor.identity import service
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.actor import Actor
from onedoor.kernel.settings import current as settings


@access(PUBLIC)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show who one may be in this demonstration, and sign in as one of them."""
    following = _safe(request, request.POST.get("next") or request.GET.get("next") or "")
    personas, wrong = service.demonstration(), ""
    if request.method == "POST" and request.POST.get("persona"):
        actor = service.sign_in(request, request.POST["persona"])
        return HttpResponseRedirect(following or _first_page(actor))
    if request.method == "POST":
        wrong = "choose"
    context = {"personas": personas, "next": following, "wrong": wrong}
    return render(request, "identity/sign_in.html", context, status=400 if wrong else 200)


@access(PUBLIC)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and go to the first page."""
    service.sign_out(request)
    return HttpResponseRedirect(reverse("identity:sign-in"))


def _safe(request: HttpRequest, address: str) -> str:
    """Return *address* when it leads to this site, else nothing."""
    here = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if here else ""


def _first_page(actor: Actor) -> str:
    return reverse("cases:desk" if actor.post and settings().role != "portal" else "procedures:home")
