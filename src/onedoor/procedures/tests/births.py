"""A family for the tests: what registers would answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onedoor.kernel import nation
from onedoor.procedures import reading
from onedoor.procedures.definition import Service
from onedoor.procedures.domain import SERVICE
from onedoor.procedures.rules import Found, Query

VIETNAM = nation.load(Path(__file__).parents[4] / "nations" / "vietnam")
PLAIN = {
    plain["version"]: plain for document in VIETNAM.documents(SERVICE.name) for plain in reading.versions(document.data)
}
SERVICES: Mapping[str, Service] = {version: reading.read(plain) for version, plain in PLAIN.items()}
NOW = SERVICES["2026-09-01"]
BEFORE = SERVICES["2024-07-01"]
MOTHER, FATHER, GRANDMOTHER = "001196204817", "036094117302", "001168005926"


def person(number: str, name: str, born: str, sex: str, **more: Any) -> dict[str, Any]:
    home = {"unit": "00199", "address": "Số 12 ngõ 91 Chùa Láng"}
    plain = {
        "ethnicity": "Kinh",
        "nationality": "VN",
        "native_place": "01",
        "mother": "",
        "father": "",
        "residence": home,
    }
    return {"number": number, "full_name": name, "born": born, "sex": sex, **plain, **more}


PEOPLE = [
    person(MOTHER, "Trần Thu Hà", "1996-05-14", "F", mother=GRANDMOTHER),
    person(FATHER, "Lê Minh Quân", "1994-09-02", "M", native_place="37"),
    person(GRANDMOTHER, "Phạm Thị Lan", "1968-11-20", "F"),
]
HOUSEHOLD = {
    "household": "H0000000001",
    "head": GRANDMOTHER,
    "unit": "00199",
    "address": "Số 12 ngõ 91 Chùa Láng",
    "members": [
        {"number": GRANDMOTHER, "relation": "head"},
        {"number": MOTHER, "relation": "child"},
        {"number": FATHER, "relation": "child-in-law"},
    ],
}
MARRIAGE = {"number": "12/2024", "husband": FATHER, "wife": MOTHER, "registered_on": "2024-03-08", "place": "00199"}


def notice(number: str = "01901.GCS.00001.26", born: str = "2026-11-19T06:40", **more: Any) -> dict[str, Any]:
    place = {"facility": "Bệnh viện Phụ sản Hoa Sen", "unit": "00199"}
    plain = {"sex": "F", "place": place, "facility": "facility-01901", "child_name": "", "used": False}
    return {"notice": number, "mother": MOTHER, "born": born, **plain, **more}


class Registers:
    """Registers in memory that remember what they were asked."""

    def __init__(self, **records: list[dict[str, Any]]) -> None:
        self.records = {"population": PEOPLE, "residence": [HOUSEHOLD], "marriages": [MARRIAGE], "births": []}
        self.records |= {"birth-notices": [notice()]} | {key.replace("_", "-"): value for key, value in records.items()}
        self.asked: list[Query] = []
        self.silent: set[str] = set()

    def ask(self, queries: Sequence[Query]) -> dict[str, Found]:
        self.asked += queries
        heard = [query for query in queries if query.source.register not in self.silent]
        return {query.source.id: Found(query.by, self.find(query)) for query in heard}

    def find(self, query: Query) -> list[dict[str, Any]]:
        return [one for one in self.records[query.source.register] if self.fits(query.source.register, one, query.by)]

    def fits(self, register: str, record: Mapping[str, Any], by: Mapping[str, str]) -> bool:
        ((key, value),) = by.items()
        if register == "residence":
            return value in {member["number"] for member in record["members"]}
        if register == "marriages":
            return value in {record["husband"], record["wife"]}
        return (record["mother"]["number"] if register == "births" else record[key]) == value
