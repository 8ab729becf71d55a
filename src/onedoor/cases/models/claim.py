"""What stands in one open case only: a birth notice is declared once."""

from django.db import models

from onedoor.cases.models.dossier import Dossier
from onedoor.store.fields import BlindField


class Claim(models.Model):
    """A record that a dossier holds for itself, by blind index; one that ends without any result lets go of it."""

    record = BlindField(max_length=32, primary_key=True)
    dossier = models.ForeignKey(Dossier, on_delete=models.CASCADE, related_name="claims")

    class Meta:
        """The primary key is the rule: a record has one dossier."""

        db_table = "cases_claim"

    def __str__(self) -> str:
        return f"claim of {self.dossier_id}"
