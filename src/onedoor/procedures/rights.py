"""What the nation's registers hold and its rights grant, as far as a service leans on them."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.nation.layers import current
from onedoor.kernel.said import said
from onedoor.procedures.definition import Service, Source, Step, Write
from onedoor.procedures.scopes import Keys, Scoped, Scopes

CASES, PORTAL = "cases", "/PORTAL"


class Rights:
    """Fields and look-ups of registers; purposes with their bases and what they grant."""

    def __init__(self, nation: Nation) -> None:
        self.nation = nation

    @cached_property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the fields that each register has today."""
        today = self.nation.today()
        documents = self.nation.documents("register")
        return {one.data["register"]: frozenset(current(one.data, today)["fields"]) for one in documents}

    @cached_property
    def lookups(self) -> Mapping[str, list[frozenset[str]]]:
        """Return by what each register can be looked up."""
        return {
            one.data["register"]: [frozenset(by) for by in one.data["lookups"].values()]
            for one in self.nation.documents("register")
        }

    @cached_property
    def bases(self) -> Mapping[str, list[str]]:
        """Return the legal bases of each purpose."""
        return {one.data["purpose"]: list(one.data["basis"]) for one in self.nation.documents("right")}

    @cached_property
    def _grants(self) -> Mapping[tuple[str, str, str], frozenset[str]]:
        granted: dict[tuple[str, str, str], frozenset[str]] = {}
        for right in self.nation.documents("right"):
            for grant in right.data["grants"]:
                for operation in grant["operations"] if "register" in grant else ():
                    key = (right.data["purpose"], grant["register"], operation)
                    granted[key] = granted.get(key, frozenset()) | frozenset(grant["fields"])
        return granted

    @cached_property
    def portals(self) -> frozenset[str]:
        """Return the system that runs the portal."""
        return frozenset(one.subsystem for one in self.nation.members.values() if one.subsystem.endswith(PORTAL))

    @cached_property
    def handing(self) -> frozenset[tuple[str, str]]:
        """Return who may send cases to whom: reader and provider."""
        grants = [grant for right in self.nation.documents("right") for grant in right.data["grants"]]
        return frozenset((one["reader"], one["provider"]) for one in grants if one.get("service") == CASES)

    @cached_property
    def systems(self) -> Mapping[str, frozenset[str]]:
        """Return for each kind of agency the systems on which such agencies work."""
        found: dict[str, set[str]] = {}
        for key, agency in self.nation.agencies.items():
            if agency.subsystem:
                found.setdefault(key.rpartition("-")[0], set()).add(agency.subsystem)
        return {kind: frozenset(systems) for kind, systems in found.items()}

    def granted(self, purpose: str, register: str, operation: str) -> frozenset[str]:
        """Return the fields that somebody may read or write for a purpose."""
        return self._grants.get((purpose, register, operation), frozenset())


def right_faults(document: Document, service: Service, rights: Rights) -> Iterator[Fault]:
    """Yield the reads and writes of a service that no right allows."""
    used = _used(service, rights)
    for source in service.data.values():
        keys: Keys = ("data", source.id)
        yield from _basis(document, keys, source, rights)
        fields = rights.fields.get(source.register, frozenset())
        for field in sorted(used[source.id] & fields - rights.granted(source.purpose, source.register, "read")):
            wrong = said(
                "no right lets “{purpose}” read {register}.{field}, which this service uses",
                purpose=source.purpose,
                register=source.register,
                field=field,
            )
            yield document.fault(keys, wrong, said("add the field to the right, or do without it"))
    for step in service.steps.values():
        yield from _handing(document, step, rights)
        for write in step.writes:
            keys = ("steps", step.id, "writes", write.name)
            if write.register not in rights.fields:
                wrong = said("there is no register “{register}”", register=write.register)
                yield document.fault((*keys, "register"), wrong, nearest(write.register, sorted(rights.fields)))
                continue
            yield from _basis(document, keys, write, rights)
            for field in write.values:
                if field not in rights.fields[write.register]:
                    wrong = said("the register {register} has no field “{field}”", register=write.register, field=field)
                    meant = nearest(field, sorted(rights.fields[write.register]))
                    yield document.fault((*keys, "values", field), wrong, meant)
                elif field not in rights.granted(write.purpose, write.register, "write"):
                    wrong = said(
                        "no right lets “{purpose}” write {register}.{field}",
                        purpose=write.purpose,
                        register=write.register,
                        field=field,
                    )
                    yield document.fault((*keys, "values", field), wrong, said("add the field to the right"))


def _handing(document: Document, step: Step, rights: Rights) -> Iterator[Fault]:
    """Find a step that no right lets the portal hand over, or whose outcome cannot come back."""
    for system in sorted(rights.systems.get(step.agency_kind, frozenset()) - rights.portals):
        for portal in sorted(rights.portals):
            for reader, provider in ((portal, system), (system, portal)):
                if (reader, provider) not in rights.handing:
                    wrong = said("no right lets {reader} send cases to {provider}", reader=reader, provider=provider)
                    instead = said(
                        "add to a right: {{reader: {reader}, service: {cases}, provider: {provider}, …}}",
                        reader=reader,
                        cases=CASES,
                        provider=provider,
                    )
                    yield document.fault(("steps", step.id, "by"), wrong, instead)


def _basis(document: Document, keys: Keys, of: Source | Write, rights: Rights) -> Iterator[Fault]:
    keys = keys if (*keys, "purpose") in document.lines or (*keys, "basis") in document.lines else ("reads",)
    if of.purpose not in rights.bases:
        wrong = said("there is no right with the purpose “{purpose}”", purpose=of.purpose)
        yield document.fault((*keys, "purpose"), wrong, nearest(of.purpose, sorted(rights.bases)))
    elif of.basis not in rights.bases[of.purpose]:
        wrong = said("the right “{purpose}” has no basis “{basis}”", purpose=of.purpose, basis=of.basis)
        yield document.fault((*keys, "basis"), wrong, nearest(of.basis, rights.bases[of.purpose]))


def _used(service: Service, rights: Rights) -> Mapping[str, set[str]]:
    """Return the fields of each source that the service's expressions read, also through a record chosen."""
    origins = {field.binds: field.of for field in service.fields.values() if field.binds}
    used: dict[str, set[str]] = {source: set() for source in service.data}
    paths = {path for scoped in Scopes(service, rights.fields).all() for path in scoped.paths}
    for root, *rest in paths:
        for source in (*origins.get(root, ()), root):
            if rest and source in used:
                used[source].add(rest[0])
    for field in service.fields.values():
        paths = {path for text in (field.where, field.option) for path in Scoped((), text or "null", {}).paths}
        for source in field.of:
            used[source] |= {path[1] for path in paths if path[0] == "item" and path[1:]} | {field.key}
    return used
