"""The door of the exchange: ask another agency's service through the own gateway, and know who asks here."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from itertools import chain
from typing import Any, Protocol, TypeVar

import msgspec

from onedoor.exchange.connections import Connections, Request, Response, TooLarge
from onedoor.exchange.describing import description as description  # noqa: PLC0414 - other rooms take it from here
from onedoor.exchange.directory import rights
from onedoor.exchange.identifiers import META
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput, NotAllowed, OnedoorError, Unavailable
from onedoor.kernel.ids import uuid7
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.kernel.text import Text
from onedoor.kernel.watch import metrics, trace

VIA_GATEWAY = "onedoor.gateway"
"""Key of ``request.META`` that only the mutual TLS listener sets, once it has seen the own gateway's certificate."""
_calls = metrics.counter(
    "onedoor_exchange_calls_total",
    "Questions to other agencies by service and how they ended: answered, refused, unavailable, failed.",
    ("service", "outcome"),
    "portal-web, portal-worker, node",
)
_seconds = metrics.histogram(
    "onedoor_exchange_call_seconds",
    "From a question to another agency to its answer.",
    ("service",),
    "portal-web, portal-worker, node",
)
LARGEST_ANSWER = 10 * 2**20
"""Bytes of an answer, with its head, that are read where a call says nothing else."""
DENIED = ("accessdenied", "sslauthenticationfailed", "access_denied", "ssl_authentication_failed")


class ServiceUnavailable(Unavailable):
    """{who} does not answer at the moment. Nothing is lost; please try again in a few minutes."""


class AnswerTooLong(ServiceUnavailable):
    """{who} answered with more than the {most} bytes that are read here. Please tell the agency in charge."""


class Refused(NotAllowed):
    """{who} did not allow this: the purpose or the right to ask is missing. Ask the agency in charge."""


class ProviderError(OnedoorError):
    """{who} could not do what was asked (answer {status}). Nothing was changed here."""

    answer: "Answer"


class NotThroughGateway(NotAllowed):
    """Only the agency's own gateway may call this. Ask through the data exchange."""


def services_named(member: nation.Agency) -> tuple[str, ...]:
    """Return what a right may call a service of *member*'s system: no register, for which it names fields."""
    return rights.named(member)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why data are asked for: ids of purpose and legal basis, and the case; ASCII, inside what is signed."""

    purpose: str
    basis: str
    case: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One question: *service* ``VN/GOV/G01/POPULATION/population``, *path* below it, *user* never a personal number.

    *most* is how many bytes its answer may have: one that is larger is not read. *answered* is the type that its JSON
    is read as (of msgspec): a provider that answers anything else counts as one that does not.
    """

    service: str
    path: str
    body: Mapping[str, Any] | None = None
    reason: Reason = field(kw_only=True)
    user: str = field(kw_only=True)
    key: str = field(default="", kw_only=True)
    method: str = field(default="POST", kw_only=True)
    most: int = field(default=LARGEST_ANSWER, kw_only=True)
    answered: Any = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answered; *body* is parsed JSON, as the call's type, or bytes when it is something else."""

    status: int
    body: Any
    headers: Mapping[str, str]
    message_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks this system, as the own gateway verified it."""

    client: str
    user: str
    purpose: str
    basis: str
    case: str
    message_id: str
    key: str


T = TypeVar("T")


class _Received(Protocol):
    """What `caller` needs of a Django request."""

    @property
    def META(self) -> Mapping[str, Any]: ...  # noqa: N802 - Django's name


class _Sent(Protocol):
    """What `json_of` needs of a Django request."""

    @property
    def body(self) -> bytes: ...


def call(
    service: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    reason: Reason,
    user: str,
    key: str = "",
    timeout: float = 10.0,
    method: str = "POST",
    most: int = LARGEST_ANSWER,
    answered: Any = None,  # noqa: ANN401 - any type that msgspec reads
) -> Answer:
    """Ask *service* and return its answer; raise `ServiceUnavailable`, `AnswerTooLong`, `Refused` or `ProviderError`.

    A caller that tries again sends the same *key*: the provider then does the thing once.
    """
    asked = {"reason": reason, "user": user, "key": key, "method": method, "most": most, "answered": answered}
    question = Call(service, path, body, **asked)
    answer = call_many([question], timeout=timeout)[0]
    if isinstance(answer, OnedoorError):
        raise answer
    return answer


def call_many(calls: Iterable[Call], *, timeout: float = 10.0) -> list[Answer | OnedoorError]:
    """Ask many services at the same time; return answers or errors in the order of *calls*."""
    return list(ask_each(calls, timeout=timeout))


def ask_each(calls: Iterable[Call], *, timeout: float = 10.0) -> Iterator[Answer | OnedoorError]:
    """As `call_many`, but return once all are asked, and yield each answer as soon as it and those before it came.

    What is done before the last answer is there costs no time of its own: others are at work.
    """
    questions = list(calls)
    first = [_request(question) for question in questions[:1]]
    requests = chain(first, map(_request, questions[1:]))  # while the first is on its way
    before, started = _waited.get(), time.perf_counter()
    return _answers(questions, _connections().answers(requests, timeout), before, started)


def _answers(
    questions: Sequence[Call], responses: Iterator[Response | Exception], before: float, started: float
) -> Iterator[Answer | OnedoorError]:
    for question, response in zip(questions, responses, strict=True):
        answer = _answer(question, response)
        seconds = time.perf_counter() - started
        _waited.set(before + seconds)
        _count(question.service, answer, seconds)
        yield answer


def take_each(
    asked: Sequence[T], calls: Iterable[Call], take: Callable[[T, Any], object], *, timeout: float = 10.0
) -> list[T]:
    """Ask *calls* at the same time, one for each of *asked*, and give *take* each of them with the body it answered.

    Return those that are silent: that did not answer, or not as *take* understands it (its KeyError, TypeError,
    ValueError or AttributeError).
    """
    return take_from(asked, ask_each(calls, timeout=timeout), take)


def take_from(
    asked: Sequence[T], answers: Iterable[Answer | OnedoorError], take: Callable[[T, Any], object]
) -> list[T]:
    """As `take_each`, of *answers* that were asked for before; *take* keeps nothing of one that it breaks off at."""
    silent = []
    for one, answer in zip(asked, answers, strict=True):
        try:
            if isinstance(answer, OnedoorError):
                raise answer
            take(one, answer.body)
        except (OnedoorError, KeyError, TypeError, ValueError, AttributeError):
            silent.append(one)
    return silent


def _count(service: str, answer: Answer | OnedoorError, seconds: float) -> None:
    """Count a question by how it ended; one asked with others takes until those before it were answered too."""
    kinds = {Answer: "answered", ServiceUnavailable: "unavailable", Refused: "refused"}
    _calls.labels(service, kinds.get(type(answer), "failed")).inc()
    _seconds.labels(service).observe(seconds)


_waited: ContextVar[float] = ContextVar("waited", default=0.0)


def start_waiting() -> None:
    """Begin to count anew how long this context waits for other agencies (a request begins)."""
    _waited.set(0.0)


def waited() -> float:
    """Return the seconds this context has waited for other agencies since `start_waiting`."""
    return _waited.get()


def own_gateway(path: str, *, client: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that the own gateway itself tells at *path*, asked as *client*; raise `ServiceUnavailable`."""
    headers = {"Accept": "application/json"} | ({"X-Road-Client": client} if client else {})
    response = _connections().exchange([Request("GET", path, headers, b"")], 10.0)[0]
    if isinstance(response, Exception) or response.status != HTTPStatus.OK:
        raise ServiceUnavailable(who=said("The gateway"))
    return json.loads(response.body)


def json_of(request: _Sent) -> Any:  # noqa: ANN401 - whatever was sent
    """Return the JSON in the body; raise `BadInput` for what is none, or holds half a sign or a number without end."""
    try:
        found = json.loads(request.body)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadInput(what=said("the body is not JSON in UTF-8")) from error
    return found


def caller(request: _Received) -> Caller:
    """Return who asks, from a request that came through the own gateway; raise `NotThroughGateway` otherwise."""
    meta = request.META
    if not meta.get(VIA_GATEWAY):
        raise NotThroughGateway
    return Caller(
        client=meta.get("HTTP_X_ROAD_CLIENT", ""),
        user=meta.get("HTTP_X_ROAD_USERID", ""),
        purpose=meta.get("HTTP_ONEDOOR_PURPOSE", ""),
        basis=meta.get("HTTP_ONEDOOR_BASIS", ""),
        case=meta.get("HTTP_X_ROAD_ISSUE", ""),
        message_id=meta.get("HTTP_X_ROAD_ID", ""),
        key=meta.get("HTTP_IDEMPOTENCY_KEY", ""),
    )


@lru_cache(maxsize=1)
def _connections() -> Connections:
    settings = current()
    if not (settings.tls_cert and settings.tls_key and settings.tls_trust):
        raise ServiceUnavailable(who=said("The gateway"))
    return Connections(settings.gateway_url, settings.tls_cert, settings.tls_key, settings.tls_trust)


def _request(question: Call) -> Request:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "X-Road-Client": current().subsystem,
        "X-Road-Id": str(uuid7()),
        "X-Road-UserId": question.user,
        "X-Road-Issue": question.reason.case,
        "Onedoor-Purpose": question.reason.purpose,
        "Onedoor-Basis": question.reason.basis,
        "Idempotency-Key": question.key,
        trace.HEADER: (trace.current() or trace.new()).header(),
    }
    kept = {name: _header(name, value) for name, value in headers.items() if value}
    body = b"" if question.body is None else json.dumps(question.body, ensure_ascii=False).encode()
    return Request(question.method, f"/r1/{question.service}/{question.path}".rstrip("/"), kept, body, question.most)


def _header(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} holds what a header cannot carry: ids are printable ASCII")
    return value


def _answer(question: Call, response: Response | Exception) -> Answer | OnedoorError:
    if isinstance(response, TooLarge):
        return AnswerTooLong(who=_provider(question.service), most=question.most)
    if isinstance(response, Exception):
        return ServiceUnavailable(who=_provider(question.service))
    error = response.headers.get("x-road-error", "").lower()
    if error.endswith(DENIED):
        if question.service.partition("?")[0].rpartition("/")[2] not in META:  # no fact of a person is behind those
            _keep_refusal(question)
        return Refused(who=_provider(question.service))
    if error:
        return ServiceUnavailable(who=_provider(question.service))
    good = response.status < HTTPStatus.BAD_REQUEST
    try:
        body = _body(response, question.answered if good else None)
    except msgspec.MsgspecError:
        return ServiceUnavailable(who=_provider(question.service))
    answer = Answer(response.status, body, response.headers, response.headers.get("x-road-id", ""))
    return answer if good else _failure(_provider(question.service), answer)


def _keep_refusal(question: Call) -> None:
    """State that a gateway refused *question*: the provider never saw it, so this system keeps that it was asked."""
    from django.db import transaction

    from onedoor.exchange.events import RefusedOnTheWay
    from onedoor.store import outbox

    reason = {"purpose": question.reason.purpose, "basis": question.reason.basis, "case": question.reason.case}
    by = Actor(person=question.user)
    with transaction.atomic():
        outbox.state(RefusedOnTheWay(by=by, refusal=uuid7(), service=question.service, **reason))


def _failure(who: Text, answer: Answer) -> OnedoorError:
    """Return the error for a provider's own status: its refusal, its absence, or its fault with the answer kept."""
    if answer.status in (401, 403):
        return Refused(who=who)
    if answer.status in (429, 502, 503, 504):
        return ServiceUnavailable(who=who)
    failure = ProviderError(who=who, status=answer.status)
    failure.answer = answer
    return failure


def _body(response: Response, answered: Any) -> object:  # noqa: ANN401 - any type that msgspec reads
    if answered:
        return msgspec.json.decode(response.body, type=answered)
    if "json" not in response.headers.get("content-type", ""):
        return response.body
    try:
        return json.loads(response.body) if response.body else None
    except (ValueError, RecursionError):
        return response.body


def _provider(service: str) -> Text:
    """Return who offers *service*, by name."""
    return nation.current().holder_of("/".join(service.split("/")[:4]))
