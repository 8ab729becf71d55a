"""Who named another person by number, as long as it counts."""

from django.db import models

from onedoor.kernel.ids import uuid7


class Naming(models.Model):
    """One naming that is being tried or was in vain; one that opened what it may is taken away again."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    by = models.TextField(db_index=True)
    moment = models.DateTimeField()

    class Meta:
        """One row a naming."""

        db_table = "cases_naming"

    def __str__(self) -> str:
        return str(self.id)
