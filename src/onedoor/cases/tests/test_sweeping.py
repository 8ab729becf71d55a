"""A draft is kept as long as its page says, and no day longer."""

from datetime import timedelta

import pytest

from onedoor.cases import service
from onedoor.cases.models import Attachment, Draft
from onedoor.cases.sweeping import sweep
from onedoor.cases.tasks import sweep as job
from onedoor.cases.tests.conftest import NOW
from onedoor.cases.tests.story import BIRTH, SignIn, submit
from onedoor.kernel import clock
from onedoor.notices import service as notices
from onedoor.store.jobs import app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def test_a_draft_is_there_on_its_last_day_and_gone_on_the_next(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    last = service.begin(BIRTH, mother).kept_until
    with clock.freeze(NOW + timedelta(days=(last - NOW.date()).days)):
        assert sweep() == 0
        assert service.draft(BIRTH, mother)
    with clock.freeze(NOW + timedelta(days=(last - NOW.date()).days + 1)):
        assert sweep() == 1
        with pytest.raises(service.NoDraft):
            service.draft(BIRTH, mother)
        (told,) = notices.inbox(mother.person).notices
        assert "deleted" in told.text
        assert sweep() == 0


def test_what_was_submitted_stays_but_for_the_empty_draft(sign_in: SignIn) -> None:
    mother = sign_in("mother")
    dossier = submit(mother)
    files = Attachment.objects.count()
    with clock.freeze(NOW + timedelta(days=40)):
        assert sweep() == 1
        assert service.view(dossier.code, mother).code == dossier.code
        assert service.submit(BIRTH, "key-1", mother).code == dossier.code
    assert Attachment.objects.count() == files
    assert not Draft.objects.exists()
    assert not [one for one in notices.inbox(mother.person).notices if one.unread]


def test_the_worker_does_it_every_hour() -> None:
    assert job.name in {task.task.name for task in app.periodic_registry.periodic_tasks.values()}
