"""What pages write of time, in each language."""

import pytest
from django.utils.translation import override

from onedoor.site import dates


@pytest.mark.parametrize(
    ("limit", "vi", "en", "fr"),
    [
        ("2wd", "2 ngày làm việc", "2 working days", "2 jours ouvrés"),
        ("24h", "24 giờ", "24 hours", "24 heures"),
        ("10min", "10 phút", "10 minutes", "10 minutes"),
        ("1wh", "1 giờ làm việc", "1 working hour", "1 heure ouvrée"),
        ("60d", "60 ngày", "60 days", "60 jours"),
        ("0wd", "cùng ngày làm việc", "the same day", "la même journée ouvrée"),
    ],
)
def test_a_limit_is_said_in_words(limit: str, vi: str, en: str, fr: str) -> None:
    for language, said in {"vi": vi, "en": en, "fr": fr}.items():
        with override(language):
            assert dates.limit(limit) == said
