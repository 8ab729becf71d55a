"""Events: facts a room states, each naming who acted and for whom, and their JSON form."""

import dataclasses
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, TypeAlias, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_REGISTRY: dict[str, type["Event"]] = {}


class UnknownEvent(OnedoorError):
    """There is no event “{name}”. Please start this process with the version that stated it."""


class BadEvent(OnedoorError):
    """The event {name} cannot be read or written: {what}."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """The base of all events: a frozen dataclass with ``kw_only=True`` whose name is ``<room>.<Class>``.

    Fields may be str, int, float, bool, None, date, datetime, time, UUID, Decimal, bytes, enums, dataclasses, and
    tuples, lists and dicts (keys: str) of these. Events are stored in clear: never put personal data in them.
    """

    by: Actor
    room: ClassVar[str] = "kernel"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.room = cls.__module__.split(".")[1] if "." in cls.__module__ else cls.__module__
        known = _REGISTRY.setdefault(cls.name(), cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two events have the name {cls.name()}: {known.__module__} and {cls.__module__}")
        _REGISTRY[cls.name()] = cls

    @classmethod
    def name(cls) -> str:
        """Return the name under which the event is stored and delivered, such as ``cases.DossierSubmitted``."""
        return f"{cls.room}.{cls.__name__}"

    def to_json(self) -> dict[str, Json]:
        """Return the fields as JSON values; the actor's display name stays behind."""
        bare = dataclasses.replace(self, by=dataclasses.replace(self.by, name=""))
        return cast("dict[str, Json]", _plain(bare, self.name()))

    @classmethod
    def of_json(cls, data: Mapping[str, Json]) -> Self:
        """Return the event of this class with the fields in *data*; raise `BadEvent`."""
        return cast("Self", _made(cls, data, cls.name()))


def from_json(name: str, data: Mapping[str, Json]) -> Event:
    """Return the event called *name* with the fields in *data*; raise `UnknownEvent` or `BadEvent`."""
    return event_class(name).of_json(data)


def event_class(name: str) -> type[Event]:
    """Return the class of the event called *name*; raise `UnknownEvent`."""
    if name not in _REGISTRY:
        raise UnknownEvent(name=name)
    return _REGISTRY[name]


def names() -> tuple[str, ...]:
    """Return the names of all events known to this process, in order."""
    return tuple(sorted(_REGISTRY))


_WRITE: Mapping[type, Callable[[Any], Json]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    UUID: str,
    Decimal: str,
    bytes: lambda value: b64encode(value).decode(),
}
_READ: Mapping[type, Callable[[Any], object]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
    Decimal: Decimal,
    bytes: lambda value: b64decode(value, validate=True),
}


def _plain(value: object, name: str) -> Json:
    if isinstance(value, Enum):
        return _plain(value.value, name)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if write := _WRITE.get(type(value)):
        return write(value)
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, name) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, name) for item in value]
    raise BadEvent(name=name, what=said("a {kind} has no JSON form", kind=type(value).__name__))


def _made(cls: type, data: Mapping[str, Json], name: str) -> object:
    """Return a dataclass *cls* from its JSON form; fields it does not know are an error, absent ones take defaults."""
    hints = get_type_hints(cls)
    known = {field.name for field in dataclasses.fields(cls)}
    if unknown := set(data) - known:
        raise BadEvent(name=name, what=said("unknown fields {names}", names=", ".join(sorted(unknown))))
    try:
        return cls(**{key: _read(hints[key], value, name) for key, value in data.items()})
    except (TypeError, ValueError, ArithmeticError) as error:
        raise BadEvent(name=name, what=str(error)) from error


def _read(hint: object, value: Json, name: str) -> object:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _read_union(args, value, name)
    if origin in (tuple, list):
        return _read_items(origin, args, value, name)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _read(args[1], item, name) for key, item in cast("dict[str, Json]", value).items()}
    return _read_one(hint, value, name) if isinstance(hint, type) else value


def _read_one(hint: type, value: Json, name: str) -> object:
    if dataclasses.is_dataclass(hint):
        return _made(hint, cast("dict[str, Json]", value), name)
    if hint in _READ:
        return _READ[hint](value)
    return hint(value) if issubclass(hint, Enum) else value


def _read_union(args: tuple[Any, ...], value: Json, name: str) -> object:
    if value is None and NoneType in args:
        return None
    return _read(next(arg for arg in args if arg is not NoneType), value, name)


def _read_items(kind: type, args: tuple[Any, ...], value: Json, name: str) -> object:
    items = cast("list[Json]", value)
    if kind is list or (len(args) == 2 and args[1] is Ellipsis):  # noqa: PLR2004 - tuple[X, ...] has two arguments
        return kind(_read(args[0], item, name) for item in items)
    return tuple(_read(arg, item, name) for arg, item in zip(args, items, strict=True))
