"""What is in hand when a process is asked to end (SIGTERM, as every deployment does) is finished, once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.served import Factory
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

ATTEMPTS_AND_THE_NEXT = """
from datetime import timedelta; from django.utils import timezone; from booking import outbox
from booking.models import Notification
print(sorted(Notification.objects.exclude(kind="reminder").values_list("state", "attempts")))
print("sent", outbox.deliver_due(lambda: timezone.now() + timedelta(minutes=10)))
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_worker_sends_the_mail_in_hand_and_leaves_the_next(served: Factory, smtp_sink: Sink) -> None:
    smtp_sink.hang = True
    with served("sqlite", worker=True, EMAIL_URL=smtp_sink.url) as practice:
        visitor = Visitor(practice.url)
        visitor.book(visitor.get("/afspraak/").starts()[0])
        wait_until(lambda: smtp_sink.hanging == 1, what="the mail server to have the first mail")

        worker = practice.processes["worker"]
        worker.terminate()
        wait_until(lambda: "Warm shutdown" in practice.log("worker"), what="the worker to hear it")
        smtp_sink.hang = False

        assert worker.wait(20) == 0
        assert "[('due', 0), ('sent', 1)]\nsent 1\n" in practice.manage("shell", "-c", ATTEMPTS_AND_THE_NEXT)

    assert len({message["Message-ID"] for message in smtp_sink.messages}) == len(smtp_sink.messages) == 2


def test_a_web_server_answers_the_booking_in_hand(served: Factory) -> None:
    with served("postgresql") as practice, psycopg.connect(practice.database_url) as therapist_at_work:
        visitor = Visitor(practice.url)
        form = visitor.open_form(visitor.get("/afspraak/").starts()[0])
        therapist_at_work.execute("SELECT FROM booking_therapist FOR NO KEY UPDATE")
        with ThreadPoolExecutor() as pool:
            booking = pool.submit(visitor.post, "/afspraak/gegevens/", **form)
            wait_until(lambda: waiting(practice.database_url) == 1, what="the booking to wait for the diary")

            web = practice.processes["web"]
            web.terminate()
            wait_until(lambda: "Handling signal: term" in practice.log("web"), what="the web server to hear it")
            therapist_at_work.commit()

            assert booking.result(20).status == 302
        assert web.wait(20) == 0
        (booked,) = therapist_at_work.execute("SELECT count(*) FROM booking_appointment").fetchone() or (0,)

    assert booked == 1


def waiting(url: str) -> int:
    with psycopg.connect(url) as connection:
        (number,) = connection.execute(WAITING).fetchone() or (0,)
    return int(number)
