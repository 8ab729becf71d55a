"""How often a page of a case goes to its database and back: each time is a twentieth of what the page may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from onedoor.cases import service
from onedoor.cases.tests.conftest import work
from onedoor.cases.tests.story import SignIn, handed_over, only
from onedoor.cases.tests.test_pages import Visitor, own_language

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


@contextmanager
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list of what goes to the database meanwhile: a statement by itself, or several in a pipeline."""
    gone: list[str] = []
    execute, pipeline = psycopg.Cursor.execute, psycopg.Connection.pipeline

    def executed(cursor: "psycopg.Cursor[Any]", query: Any, *more: Any, **options: Any) -> Any:
        if cursor.connection.info.pipeline_status == psycopg.pq.PipelineStatus.OFF:
            gone.append(str(query))
        return execute(cursor, query, *more, **options)

    def piped(connection: "psycopg.Connection[Any]") -> Any:
        gone.append("several")
        return pipeline(connection)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", executed)
        patched.setattr(psycopg.Connection, "pipeline", piped)
        yield gone


def test_a_page_of_a_case_asks_who_acts_and_what_it_shows_in_one_round_trip(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, registrar = handed_over(sign_in("mother")).code, sign_in("civil-status")
    task, mother, officer = only(registrar), Visitor("mother"), Visitor("civil-status")
    service.accept(task, registrar)
    work()
    about = f"cases/{code}/results/birth_certificate/about"
    for visitor, address, often in (
        (mother, f"cases/{code}", 1),
        (mother, f"cases/{code}/receipt", 1),
        (mother, about, 1),
        (mother, about.removesuffix("/about"), 1),
        (officer, f"desk/{task}", 2),
        (officer, "desk/corrections/", 3),
    ):
        with round_trips(monkeypatch) as gone:
            assert visitor.client.get(f"/en/{address}").status_code == 200
        assert len(gone) == often, (address, gone)
