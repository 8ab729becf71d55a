"""Who read data for a dossier: asked of every system of the exchange, each of which keeps its own record of reads."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from onedoor.cases import words
from onedoor.cases.directory import systems
from onedoor.cases.dossiers import find
from onedoor.cases.reasons import providers, reason
from onedoor.cases.views import Reader, ReadLine, ReadsView, SameReads
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text
from onedoor.privacy import service as privacy
from onedoor.privacy.service import ReadView

SERVICE = "reads"
WAIT = 5.0


def reads(code: str, actor: Actor) -> ReadsView:
    """Ask every agency, at the same time, which reads it recorded for this dossier; name those that do not answer."""
    dossier = find(code, actor)
    names = systems()
    own = names.get(settings().subsystem, {})
    found = {view.record: _line(view, own) for view in privacy.reads_of_case(dossier.code)}
    others = [subsystem for subsystem in providers(SERVICE) if subsystem != settings().subsystem]
    calls = [
        Call(
            f"{subsystem}/{SERVICE}",
            "of-case",
            {"case": dossier.code},
            reason=reason(SERVICE, dossier.code),
            user=dossier.account,
        )
        for subsystem in others
    ]
    silent = []
    answers = exchange.call_many(calls, timeout=WAIT)
    for subsystem, answer in zip(others, answers, strict=True):
        if isinstance(answer, OnedoorError):
            silent.append(names[subsystem])
        else:
            found |= {view.record: _line(view, names[subsystem]) for view in privacy.views_of(answer.body)}
    lines = sorted(found.values(), key=lambda line: line.moment)
    return ReadsView(dossier.code, tuple(lines), tuple(silent), tuple(_readers(lines, dossier.account)))


def _readers(lines: Iterable[ReadLine], account: str) -> Iterator[Reader]:
    """Yield what each agency did for each purpose, in the order they began."""
    groups: dict[tuple[str, str], list[ReadLine]] = {}
    for line in lines:
        groups.setdefault((line.by, line.purpose_id), []).append(line)
    for (by, _), own in groups.items():
        agency = nation.current().agencies.get(by)
        post = agency.posts.get(own[0].user.partition(".")[2], {}) if agency else {}
        yield Reader(own[0], post, own[0].user == account, tuple(_same(own)))


def _same(lines: Iterable[ReadLine]) -> Iterator[SameReads]:
    def kind(line: ReadLine) -> tuple[str, ...]:
        return line.register, line.operation, str(line.refused), line.basis_id, *line.fields

    for _, reads in groupby(sorted(lines, key=kind), key=kind):
        same = sorted(reads, key=lambda line: line.moment)
        yield SameReads(same[0], tuple(line.moment for line in same), tuple(line.record for line in same))


def _line(view: ReadView, holder: Text) -> ReadLine:
    return ReadLine(
        by=view.by_agency,
        by_name=view.agency_text,
        user=view.by_user,
        register=view.register,
        register_name=view.register_text,
        holder_name=holder,
        purpose=view.purpose_text,
        basis=view.basis_text,
        fields=view.fields,
        moment=view.moment,
        refused=view.refused,
        record=view.record,
        purpose_id=view.purpose,
        basis_id=view.basis,
        operation=view.operation,
        law=words.article(view.law),
        field_names=view.field_texts,
    )
