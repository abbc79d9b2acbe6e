"""The harness for real servers: both engines, both queues, a browser with and without JavaScript."""

import json

import pytest
import redis
from playwright.sync_api import Page

from tests.served import DEMO_EMAIL, Factory, Served
from tests.servers import wait_until


@pytest.mark.servers
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_practice_is_served_on_either_engine(served: Factory, engine: str) -> None:
    with served(engine) as first, served(engine) as second:
        accounts = first.manage("dumpdata", "auth.user")
        assert accounts == second.manage("dumpdata", "auth.user")
        (account,) = json.loads(accounts)
        assert account["fields"]["email"] == DEMO_EMAIL
        assert (first.database_url != second.database_url) == (engine == "postgresql")

    assert not first.processes
    assert not first.data_dir.exists()


@pytest.mark.servers
def test_worker_empties_the_embedded_queue(served: Factory) -> None:
    with served(worker=True) as practice:
        ask_for_delivery(practice)

        wait_until(lambda: not list((practice.data_dir / "queue").iterdir()), what="the queue to empty")
        assert "Traceback" not in practice.log("worker")


@pytest.mark.servers
def test_worker_empties_the_queue_of_redis(served: Factory, redis_url: str) -> None:
    with served(REDIS_URL=redis_url) as practice, redis.from_url(redis_url) as server:
        ask_for_delivery(practice)
        assert server.llen("celery") == 1

        practice.start_worker()

        wait_until(lambda: server.llen("celery") == 0, what="the queue to empty")
        assert "Traceback" not in practice.log("worker")


def ask_for_delivery(practice: Served) -> None:
    """Put the message into the queue that follows each booking."""
    practice.manage(
        "shell", "-c", "from practice import celery_app; celery_app.send_task('booking.tasks.deliver')"
    )


@pytest.mark.browser
def test_pages_are_read_with_javascript_and_without(served: Factory, page: Page, plain_page: Page) -> None:
    with served() as practice:
        page.goto(practice.url)
        plain_page.goto(practice.url)

        assert page.title() == plain_page.title()
        assert "Duim Voor Jou" in page.title()
        assert page.evaluate("document.documentElement.lang") == "nl"
