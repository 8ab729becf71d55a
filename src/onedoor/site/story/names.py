"""Given names for the story's children; synthetic, like everybody in the demonstration."""

import secrets

MIDDLE = ("An", "Bảo", "Diệu", "Gia", "Khánh", "Minh", "Ngọc", "Phương", "Thanh", "Thùy", "Tuệ", "Yên")
GIVEN = ("Anh", "Chi", "Giang", "Hân", "Linh", "Mai", "Nhi", "Như", "Quỳnh", "Thảo", "Trâm", "Vy")


def child_name(family: str = "Lê") -> str:
    """Return a name for a child, such as “Lê Khánh Nhi”."""
    return f"{family} {secrets.choice(MIDDLE)} {secrets.choice(GIVEN)}"
