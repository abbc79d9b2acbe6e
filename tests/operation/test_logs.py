"""What a booking leaves in the logs of a practice that really runs, in the web server and in the worker."""

import json
from typing import Any

import pytest

from tests.served import Factory
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

pytestmark = pytest.mark.servers


def lines(log: str) -> list[dict[str, Any]]:
    """Return each line of `log` but Celery's to a terminal; raises ValueError where one is no JSON."""
    said = {"", "worker: Warm shutdown (MainProcess)"}
    return [json.loads(line) for line in log.splitlines() if line.strip() not in said]


def test_one_id_follows_a_booking_into_the_worker_and_nobody_is_named(
    served: Factory, smtp_sink: Sink, redis_url: str
) -> None:
    # Only root is warned, before anything is set up.
    root = "ignore:You're running the worker"
    env = {"EMAIL_URL": smtp_sink.url, "REDIS_URL": redis_url, "LOG_FORMAT": "json", "PYTHONWARNINGS": root}
    with served("sqlite", worker=True, beat=True, **env) as practice:
        visitor = Visitor(practice.url, "Noor de Vries")
        booked = visitor.book(visitor.get("/afspraak/").starts()[0])
        assert visitor.get(booked.location).status == 200
        wait_until(lambda: len(smtp_sink.messages) == 2, what="both mails")
        wait_until(lambda: practice.log("worker").count(": sent") == 2, what="both mails to be marked")
        smtp_sink.answers["RCPT"] = "550 no mailbox noor.de.vries@example.org"
        visitor.book(visitor.get("/afspraak/").starts()[0])
        wait_until(lambda: practice.log("worker").count(": failed") == 2, what="both mails to be refused")
        for name in ("beat", "worker", "web"):
            practice.stop(name)

        web, worker, beat = (lines(practice.log(name)) for name in ("web", "worker", "beat"))
        everything = "".join(map(practice.log, ("web", "worker", "beat")))

    posts = [line for line in web if line.get("method") == "POST"]
    assert [line["status"] for line in posts] == [302, 302]
    mails = [line for line in worker if line["logger"] == "booking.outbox"]
    assert [line["request_id"] for line in mails] == [post["request_id"] for post in posts for _ in range(2)]
    assert all(line["level"] in {"INFO", "WARNING"} for line in web + worker + beat), everything
    shown = next(line for line in web if line.get("path", "").startswith("/afspraak/gemaakt/"))
    assert shown["path"] == "/afspraak/gemaakt/[token]/"
    for personal in ("Noor", "noor", "Vries", "12345678", "Kind van", "127.0.0.1 ", booked.location.split("/")[3]):
        assert personal not in everything
    assert "/healthz" not in everything
