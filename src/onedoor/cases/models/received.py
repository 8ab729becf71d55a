"""Messages taken in over the exchange, each once."""

from django.db import models

from onedoor.exchange.service import Caller


class Received(models.Model):
    """A message by its idempotency key: sent again, it is acknowledged again and changes nothing."""

    key = models.TextField(primary_key=True)
    client = models.TextField()
    kind = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        """One row a message."""

        db_table = "cases_received"

    def __str__(self) -> str:
        return self.key

    @staticmethod
    def key_of(caller: Caller) -> str:
        """Return the key of a message among those of its own sender: nobody takes another's key in advance."""
        return f"{caller.client} {caller.key}"
