"""What may be kept as a policy, an agreement, an individual or a webhook, and when it may be changed or removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onedoor.kernel import nation
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy.consents import agreements, revisions, webhooks
from onedoor.privacy.consents.revisions import AGREEMENT, INDIVIDUAL, POLICY, RECORD, WEBHOOK, Draft, Kept

BASES = ("consent", "legal_obligation", "contract", "vital_interest", "public_task", "legitimate_interest")
USES = ("", "data_source", "data_using_service")
STAGES = ("Draft", "Complete")
PERSONAL_NUMBER = "personal-number"
"""The ``externalIdType`` of the only id by which persons are known here."""
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A schema, its word in bodies, and how a body becomes what is kept (of *client*, after *before*)."""

    schema: str
    key: str
    draft: Callable[[Values, str, Kept | None], Draft]
    check_removal: Callable[[Kept], None] = lambda _kept: None
    shown: Callable[[Values], dict[str, Any]] = dict


def _policy(body: Values, _client: str, _before: Kept | None) -> Draft:
    return Draft(POLICY, _without_id(body))


def _not_in_use(policy: Kept) -> None:
    if any(one.data.get("active") for one in revisions.referring(AGREEMENT, policy.object)):
        raise BadInput(what=said("an active agreement is under this policy, so it cannot be deleted"))


def _agreement(body: Values, client: str, _before: Kept | None) -> Draft:
    if body["lawfulBasis"] not in BASES:
        raise BadInput(what=said("lawfulBasis is one of {names}", names=", ".join(BASES)))
    if body.get("dataUse", "") not in USES:
        raise BadInput(what=said("dataUse is data_source, data_using_service or nothing"))
    if body.get("lifecycle") and body["lifecycle"]["name"] not in STAGES:
        raise BadInput(what=said("the name of lifecycle is one of {names}", names=", ".join(STAGES)))
    data = {"active": False, "forgettable": False, **_without_id(body)}
    if "policy" not in body:
        return Draft(AGREEMENT, data)
    data["policy"] = _policy_meant(body["policy"], client)
    return Draft(AGREEMENT, data, refers=data["policy"]["id"])


def _policy_meant(given: Values, client: str) -> dict[str, Any]:
    """Return the newest revision of a policy that agrees with what is *given* of it: an id alone means as it is now."""
    revisions.lock(given["id"])
    newest = revisions.one(POLICY, given["id"], client)
    meant = (one.data for one in revisions.history(newest.object) if given.items() <= one.data.items())
    found = next(meant, None)
    if found is None:
        raise BadInput(what=said("the policy is not as any of its revisions has it; its id alone means the newest"))
    return found


def _without_consents(agreement: Kept) -> None:
    if revisions.referring(RECORD, agreement.object):
        raise BadInput(what=said("there are consent records under this agreement; set active to false instead"))


def _individual(body: Values, _client: str, before: Kept | None) -> Draft:
    data = {"identityProviderId": "", **_without_id(body)}
    person = data.get("externalId", "")
    if data.get("externalIdType") != PERSONAL_NUMBER or not nation.current().person_number.fits(person):
        raise BadInput(
            what=said(
                "an individual has a personal number as externalId, and externalIdType {kind}", kind=PERSONAL_NUMBER
            )
        )
    if before and before.person != person:
        raise BadInput(what=said("an individual cannot become another person"))
    return Draft(INDIVIDUAL, data, person=person)


def _webhook(body: Values, client: str, before: Kept | None) -> Draft:
    data = _without_id(body)
    data["secretKey"] = data["secretKey"] or (before.data["secretKey"] if before else "")
    webhooks.check(data)
    if before is None and len(revisions.listed(WEBHOOK, client, 0, webhooks.MOST)) >= webhooks.MOST:
        raise BadInput(what=said("a system has at most {most} webhooks", most=webhooks.MOST))
    return Draft(WEBHOOK, data, subject=f"system {client}")


def _without_secret(webhook: Values) -> dict[str, Any]:
    return {**webhook, "secretKey": ""}


def _without_id(body: Values) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "id"}


POLICIES = Kind(POLICY, "policy", _policy, _not_in_use)
AGREEMENTS = Kind(AGREEMENT, "dataAgreement", _agreement, _without_consents)
INDIVIDUALS = Kind(INDIVIDUAL, "individual", _individual)
WEBHOOKS = Kind(WEBHOOK, "webhook", _webhook, shown=_without_secret)


def create(kind: Kind, body: Values, writer: revisions.Writer) -> Kept:
    """Keep a new object; an individual that the system has already is the same one."""
    draft = kind.draft(body, writer.client, None)
    revisions.lock(f"{writer.client} {draft.person}")
    if draft.person and (known := revisions.of_person(INDIVIDUAL, writer.client, revisions.mark_of(draft.person))):
        return revisions.keep(draft, writer, known[0].object)
    return revisions.keep(draft, writer)


def update(kind: Kind, name: str, body: Values, writer: revisions.Writer) -> Kept:
    """Keep the next revision of an object of the writer's system; raise `NoSuchObject` or `BadInput`."""
    agreements.refuse_national(name)
    if body.get("id") not in (None, "", name):
        raise BadInput(what=said("the id in the body is not that of the address"))
    before = revisions.one(kind.schema, name, writer.client)
    return revisions.keep(kind.draft(body, writer.client, before), writer, name)


def remove(kind: Kind, name: str, writer: revisions.Writer) -> Kept:
    """Keep the last revision of an object, which is without content; its past stays."""
    agreements.refuse_national(name)
    revisions.lock(name)
    before = revisions.one(kind.schema, name, writer.client)
    kind.check_removal(before)
    return revisions.keep(
        Draft(kind.schema, None, subject=f"system {writer.client}" * (kind is WEBHOOKS)), writer, name
    )
