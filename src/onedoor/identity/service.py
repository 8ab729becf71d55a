"""The door of the room: who acts in a request, signing in and out, and a person's number inside a request."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from onedoor.identity import sessions
from onedoor.identity.domain import OFFICER, Persona, personas
from onedoor.identity.events import SignedIn
from onedoor.identity.models import Account
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.errors import NotAllowed, NotFound
from onedoor.kernel.settings import Settings
from onedoor.kernel.settings import current as settings
from onedoor.store import keys, outbox
from onedoor.store.rows import Rows, Statement

LEVEL = 2
NUMBER = "identity.number"
ACCOUNT = Rows(Account, "id = %s")
ERASED = "erased-"
"""What the persona of an account begins with whose person was erased."""
ACTING: ContextVar[Account | None] = ContextVar("acting", default=None)
"""The account that acts in the request of this thread, still sealed."""


class NoDemonstration(NotAllowed):
    """Signing in without proof is only for demonstrations. This system is not one."""


class NoSuchPersona(NotFound):
    """There is no such person in this demonstration. Please choose one from the list."""


def actor_of(request: HttpRequest, ahead: Statement | None = None) -> Actor:
    """Return who acts in *request* by their session, or nobody; `beside` has what else was asked of them.

    *ahead* is what the page asks for next, whoever acts: it comes in the same round trip (see `rows.first_asked`).
    """
    owner = sessions.owner(request.session.session_key, ahead)
    ACTING.set(owner.account if owner else None)
    request.beside = owner.beside if owner else {}  # type: ignore[attr-defined]
    return _actor(owner.account) if owner else NOBODY


def ask_beside(name: str, expression: str, *values: Callable[[], object]) -> None:
    """Let every request of somebody signed in know *name*: a scalar SQL *expression* over ``identity_account``.

    *values* give what stands for each ``%s`` in it. It costs no round trip of its own; `beside` gives what it came to
    when it was asked who acts.
    """
    sessions.BESIDE[name] = expression, values


def beside(request: HttpRequest, name: str) -> Any:  # noqa: ANN401 - whatever the expression gives
    """Return what the expression of *name* came to; nothing when nobody acts."""
    return getattr(request, "beside", {}).get(name)


def demonstration() -> Sequence[Persona]:
    """Return the personas one may sign in as here: people at the portal, and a member's own officers at its system."""
    here = settings()
    if not here.demonstration:
        return ()
    return [persona for persona in nation.current().once(personas).values() if _belongs(persona, here)]


def sign_in(request: HttpRequest, persona_id: str) -> Actor:
    """Sign in as a persona of the demonstration; the session gets a new key, so a planted one is worth nothing."""
    if not settings().demonstration:
        raise NoDemonstration
    persona = next((one for one in demonstration() if one.id == persona_id), None)
    if persona is None:
        raise NoSuchPersona
    with transaction.atomic():
        account = _account(persona)
        actor = _actor(account)
        outbox.state(SignedIn(by=actor, way="demonstration"))
    request.session.flush()
    request.session[sessions.ACCOUNT] = str(account.id)
    rotate_token(request)
    return actor


def sign_out(request: HttpRequest) -> None:
    """End the session."""
    request.session.flush()


def person_number(account_id: str) -> str:
    """Return the personal number of an account, unsealed: for use inside a request, never for a log or a page."""
    acting = ACTING.get()
    account = acting if acting and str(acting.pk) == account_id else ACCOUNT.first(account_id)
    if account is None:
        raise NotFound
    return str(account.who()["number"])


def is_account(account_id: UUID) -> bool:
    """Return whether somebody signs in here with this account; nobody does with one that was erased."""
    return Account.objects.filter(pk=account_id).exclude(persona__startswith=ERASED).exists()


def persona_of(account_id: str) -> str:
    """Return the persona of the demonstration that signs in with this account; nothing where none does."""
    found = Account.objects.filter(pk=account_id).exclude(persona__startswith=ERASED)
    return found.values_list("persona", flat=True).first() or ""


def mark(number: str) -> bytes:
    """Return the blind index by which the account of a personal number is found."""
    return keys.blind(NUMBER, number)


def account_of(number: str) -> str:
    """Return the id of the account of a personal number, or nothing when that person never signed in here."""
    found = Account.objects.filter(number_mark=mark(number)).values_list("pk", flat=True).first()
    return str(found) if found else ""


def _belongs(persona: Persona, here: Settings) -> bool:
    if here.role == "portal":
        return persona.kind != OFFICER or persona.member == here.member
    if here.role == "node":
        return persona.kind == OFFICER and persona.member == here.member
    return True


def _account(persona: Persona) -> Account:
    found = Account.objects.filter(persona=persona.id).first()
    if found:
        return found
    account = Account(persona=persona.id, agency=persona.agency, post=persona.post, created=clock.now())
    account.keep(name=persona.name, number=persona.number)
    account.number_mark = mark(persona.number) if persona.number else None
    Account.objects.bulk_create([account], ignore_conflicts=True)
    return Account.objects.get(persona=persona.id)


def _actor(account: Account) -> Actor:
    name = str(account.who()["name"])
    return Actor(person=str(account.id), post=account.post, agency=account.agency, level=LEVEL, name=name)
