"""A practice that grows or starts anew: what one engine wrote, the other takes over and books on."""

from pathlib import Path

import pytest

from tests.served import Factory, Served
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

pytestmark = pytest.mark.servers


def book(practice: Served, start: str) -> str:
    """Book `start`, and return the address of the page that says so."""
    answer = Visitor(practice.url).book(start)
    assert answer.status == 302, answer.text
    return answer.location


def starts(practice: Served) -> list[str]:
    return Visitor(practice.url).get("/afspraak/").starts()


def test_a_backup_restores_on_the_other_engine_and_back_while_all_runs(
    served: Factory, smtp_sink: Sink, tmp_path: Path
) -> None:
    there, back = str(tmp_path / "there"), str(tmp_path / "back")
    with served("sqlite") as small, served("postgresql", worker=True, EMAIL_URL=smtp_sink.url) as grown:
        first = starts(small)[0]
        assert starts(grown)[0] == first
        made = book(small, first)
        left = starts(small)
        small.manage("backup", there)

        grown.manage("restore", there, "--overwrite")

        assert starts(grown) == left != []
        assert Visitor(grown.url).get(made).status == 200
        made = book(grown, left[0])
        # What was owed when the backup was made goes out too.
        wait_until(lambda: len(smtp_sink.messages) == 4, what="the mails of both bookings")
        left = starts(grown)
        grown.manage("backup", back)

        small.manage("restore", back, "--overwrite")

        assert starts(small) == left != []
        assert Visitor(small.url).get(made).status == 200
        assert book(small, left[0])
