"""Addresses that only the own gateway reaches: ``/exchange/api/…``, ``/pub/…``, ``/pull/…``, ``/events/…``."""

from onedoor.pubsub import api

exchange = api.routes()
