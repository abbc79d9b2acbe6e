"""Mail that is late is a pity, mail that is lost is a broken promise: real workers, killed for real."""

from typing import Any

import pytest

from tests.served import Served
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

# Runs what a worker's sweep does, some minutes from now.
LATER = """
from datetime import timedelta; from django.utils import timezone; from booking import outbox
print("sent", outbox.deliver_due(lambda: timezone.now() + timedelta(minutes={minutes})))
"""
STATES = """
from booking.models import Notification
print(sorted(Notification.objects.exclude(kind="reminder").values_list("kind", "state", "attempts")))
"""


def book(practice: Served) -> str:
    """Book the first time that is offered, and return the address of the page that says so."""
    visitor = Visitor(practice.url)
    answer = visitor.book(visitor.get("/afspraak/").starts()[0])
    assert answer.status == 302, answer.text
    return answer.location


def subjects(sink: Sink) -> list[str]:
    return sorted(str(message["To"]) for message in sink.messages)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_booking_is_mailed_at_once_without_waiting_for_the_sweep(
    served: Any, smtp_sink: Sink, engine: str
) -> None:
    with served(engine, worker=True, EMAIL_URL=smtp_sink.url) as practice:
        book(practice)

        wait_until(lambda: len(smtp_sink.messages) == 2, what="confirmation and notice")

    assert "noor@example.org" in subjects(smtp_sink)


def test_a_booking_is_mailed_through_redis_too(served: Any, smtp_sink: Sink, redis_url: str) -> None:
    with served("postgresql", worker=True, EMAIL_URL=smtp_sink.url, REDIS_URL=redis_url) as practice:
        book(practice)

        wait_until(lambda: len(smtp_sink.messages) == 2, what="confirmation and notice")


def test_with_the_broker_down_the_booking_stands_and_the_sweep_mails_it(served: Any, smtp_sink: Sink) -> None:
    with served("sqlite", EMAIL_URL=smtp_sink.url, REDIS_URL="redis://127.0.0.1:1/0") as practice:
        book(practice)
        assert smtp_sink.messages == []

        assert "sent 2" in practice.manage("shell", "-c", LATER.format(minutes=1))

    assert len(smtp_sink.messages) == 2


def test_with_no_worker_the_mail_follows_when_one_comes(served: Any, smtp_sink: Sink) -> None:
    with served("sqlite", EMAIL_URL=smtp_sink.url) as practice:
        book(practice)
        practice.start_worker()

        wait_until(lambda: len(smtp_sink.messages) == 2, what="the queue to be worked off")
