"""Agreements of the nation and of one's own, found alike; those of the nation cannot be changed by the API."""

from typing import Any

from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy.consents import national, revisions
from onedoor.privacy.consents.national import Agreement
from onedoor.privacy.consents.revisions import AGREEMENT, Kept

__all__ = ["Agreement", "find", "listed", "of_kept", "of_record", "policy", "refuse_national"]


def find(name: str, client: str, revision: str = "") -> Agreement:
    """Return an agreement of the nation or of the system *client* (of any, if none is named); raise `NoSuchObject`."""
    return national.agreement(name, revision) or of_kept(revisions.one(AGREEMENT, name, client, revision=revision))


def of_kept(kept: Kept) -> Agreement:
    """Return the agreement that a revision holds."""
    return Agreement(kept.data, kept.revision())


def of_record(record: Kept) -> Agreement:
    """Return the agreement of a record in the revision to which consent was given."""
    return of_kept(revisions.at(record.data["dataAgreementRevision"]))


def listed(client: str, offset: int, limit: int) -> list[Agreement]:
    """Return a page of the nation's agreements, then of those of the system *client* (of all, if none is named)."""
    own = national.agreements()
    page = own[offset : offset + limit]
    rest = revisions.listed(AGREEMENT, client, max(0, offset - len(own)), limit - len(page))
    return [*page, *(of_kept(one) for one in rest)]


def refuse_national(name: str) -> None:
    """Raise `BadInput` when *name* is an agreement (or its policy) of the nation."""
    if national.agreement(name):
        raise BadInput(
            what=said("{name} is in the nation's files (rights/), and is changed there alone", name=name[:80])
        )


def policy(name: str, revision: str, client: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a policy with its revision: one of the system *client*, or that under which a consent of the nation is."""
    if found := national.policy(name, revision):
        return found
    kept = revisions.one(revisions.POLICY, name, client, revision=revision)
    return kept.data, kept.revision()
