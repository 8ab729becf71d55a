"""What a room keeps: its event types, who follows them, the events, and how far each has come with each subscriber."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7


class EventType(models.Model):
    """A kind of event of this room; *number* is that of its last event. One that ended stays for its events' sake."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    schema = models.JSONField()
    number = models.BigIntegerField(default=0)
    made = models.DateTimeField()
    ended = models.DateTimeField(null=True)

    class Meta:
        """A name means one type at a time."""

        db_table = "pubsub_event_type"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], condition=Q(ended=None), name="pubsub_one_type_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A system that is told of a type's events: *push*ed to it, or kept until it fetches them, for *lasts* seconds.

    What it is pushed carries the *purpose* and *basis* for which it subscribed. While its system is silent it is left
    alone until *again*.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_type = models.ForeignKey(EventType, on_delete=models.CASCADE)
    client = models.CharField(max_length=120)
    push = models.BooleanField()
    lasts = models.PositiveIntegerField()
    in_order = models.BooleanField()
    purpose = models.CharField(max_length=80)
    basis = models.CharField(max_length=80)
    made = models.DateTimeField()
    silent = models.PositiveIntegerField(default=0)
    again = models.DateTimeField(null=True)

    class Meta:
        """A system subscribes once to a type."""

        db_table = "pubsub_subscription"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event_type", "client"], name="pubsub_subscribed_once")
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.event_type_id}"


class Published(models.Model):
    """An event as its publisher gave it, the *number*th of its type; *call* is the key of the call that brought it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_type = models.ForeignKey(EventType, on_delete=models.CASCADE)
    number = models.BigIntegerField()
    client = models.CharField(max_length=120)
    call = models.CharField(max_length=255)
    body = models.JSONField()
    moment = models.DateTimeField()
    stopped = models.DateTimeField(null=True)

    class Meta:
        """A call that comes twice brings one event."""

        db_table = "pubsub_event"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event_type", "client", "call"], name="pubsub_published_once"),
            models.UniqueConstraint(fields=["event_type", "number"], name="pubsub_events_in_order"),
        ]
        indexes: ClassVar = [models.Index(fields=["moment"], name="pubsub_event_moment")]

    def __str__(self) -> str:
        return str(self.id)


class Delivery(models.Model):
    """An event on its way to a subscriber, until *done*, *ends* or its publisher stops it.

    In one *line* the next waits for the one before. After a failure, whose *answer* it keeps, it is left alone until
    *again*.
    """

    event = models.ForeignKey(Published, on_delete=models.CASCADE)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE)
    line = models.CharField(max_length=260)
    number = models.BigIntegerField()
    ends = models.DateTimeField()
    tried = models.PositiveIntegerField(default=0)
    answer = models.PositiveSmallIntegerField(null=True)
    again = models.DateTimeField(null=True)
    done = models.DateTimeField(null=True)
    waits = models.BooleanField(default=True)

    class Meta:
        """What waits for a subscriber is found by its lines."""

        db_table = "pubsub_delivery"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "subscription"], name="pubsub_delivered_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["subscription", "line", "number"], condition=Q(waits=True), name="pubsub_waiting"),
            models.Index(fields=["subscription", "number"], condition=Q(waits=True), name="pubsub_next"),
            models.Index(fields=["ends"], condition=Q(waits=True), name="pubsub_ending"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.subscription_id}"

    @property
    def state(self) -> str:
        """Return ``waiting``, ``delivered``, ``stopped`` or ``expired``."""
        if self.done:
            return "delivered"
        if self.event.stopped and self.event.stopped < self.ends:
            return "stopped"
        return "waiting" if self.ends > clock.now() else "expired"


class Arrived(models.Model):
    """An event that another system's room pushed to this one, kept once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.CharField(max_length=120)
    event = models.UUIDField()
    name = models.CharField(max_length=60)
    number = models.BigIntegerField()
    publisher = models.CharField(max_length=120)
    body = models.JSONField()
    moment = models.DateTimeField()

    class Meta:
        """What is sent again is known by the id that its room gave it."""

        db_table = "pubsub_arrived"
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "event"], name="pubsub_arrived_once")]
        indexes: ClassVar = [models.Index(fields=["moment"], name="pubsub_arrived_moment")]

    def __str__(self) -> str:
        return str(self.event)
