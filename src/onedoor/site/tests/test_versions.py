"""Which migrations a database lacks, and which this version does not know."""

import os

import pytest

from onedoor.site import versions

HERE = sorted(path.stem for path in (versions.SOURCE / "registers" / "migrations").glob("[0-9]*.py"))


def test_a_database_of_this_version_lacks_nothing_and_what_others_migrate_does_not_count():
    applied = [("registers", name) for name in HERE] + [
        ("procrastinate", "0099_later"),
        ("contenttypes", "0001_initial"),
    ]
    assert versions.difference(applied) == ([], [])


def test_an_earlier_and_a_later_version_are_told_apart():
    assert versions.difference([("registers", HERE[0])]) == ([f"registers {name}" for name in HERE[1:]], [])
    later = [("registers", name) for name in (*HERE, "0999_later")]
    assert versions.difference(later) == ([], ["registers 0999_later"])


@pytest.mark.usefixtures("postgres")
def test_an_empty_database_lacks_every_table():
    url = os.environ["ONEDOOR_DATABASE_URL"]
    with pytest.raises(versions.DatabaseOlder, match="lacks every table"):
        versions.refuse_other(url)
    assert versions.refuse_newer(url)


def test_a_database_that_does_not_answer_yet_is_waited_for_by_the_process_itself(tmp_path):
    versions.refuse_other(f"postgresql://nobody@/nothing?host={tmp_path}")
