"""The feed at its address, and the page on which a therapist rules it."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import links, rate_limits
from booking.models import FeedDetail, Therapist
from practice.logs import redact
from tests.booking.factories import make_appointment, make_practice, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(wall("2026-11-30 10:30"), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def url(alice: Therapist) -> str:
    Therapist.objects.filter(pk=alice.pk).update(feed_on=True)
    return links.feed_url(Therapist.objects.get(pk=alice.pk))


class TestReadingIt:
    def test_whoever_has_the_address_reads_it_without_signing_in(self, alice: Therapist, url: str) -> None:
        make_appointment(therapist=alice)

        response = Client().get(url)

        assert response.status_code == 200
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert b"BEGIN:VEVENT" in response.content
        assert (response["Cache-Control"], response["X-Robots-Tag"]) == ("private, no-cache", "noindex")
        assert "Set-Cookie" not in response

    def test_who_has_it_already_is_told_so(self, url: str) -> None:
        etag = Client().get(url)["ETag"]

        again = Client().get(url, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")

    def test_a_dead_address_is_a_plain_404_and_tries_are_limited(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limits, "DEAD_LINKS", rate_limits.Limit("dead-link", 2, rate_limits.API.window))
        dead = "/agenda/abonnement/therapist-00000001.0.nothing.ics"

        assert [Client().get(dead).status_code for _ in range(3)] == [404, 404, 429]
        assert Client().get(url).status_code == 429

    def test_looking_changes_nothing_and_posting_is_refused(self, url: str) -> None:
        assert Client().head(url).status_code == 200
        assert Client().post(url).status_code == 405

    def test_its_address_stays_out_of_the_logs(self, url: str) -> None:
        secret = url.rpartition("/")[2].removesuffix(".ics")

        assert secret not in redact(f'"GET {url} HTTP/1.1" 200')
        assert redact("GET /agenda/abonnement/guess.ics") == "GET /agenda/abonnement/[token].ics"

    def test_many_appointments_cost_as_many_queries_as_one(self, alice: Therapist, url: str) -> None:
        consult = make_type(alice)
        make_appointment(consult, start="2026-12-01 10:00")
        Client().get(url)
        with CaptureQueriesContext(connection) as one:
            Client().get(url)
        for day in range(2, 9):
            make_appointment(consult, start=f"2026-12-{day:02} 10:00")

        with CaptureQueriesContext(connection) as many:
            Client().get(url)

        assert len(one) == len(many)


class TestRulingIt:
    def test_it_is_off_until_she_wants_it(self, browsers: dict[str, Client], alice: Therapist) -> None:
        assert "Your secret address" not in text(browsers["alice"].get("/en/agenda/abonnement/"))

        browsers["alice"].post("/en/agenda/abonnement/aan/", {"detail": "names"})

        alice.refresh_from_db()
        assert (alice.feed_on, alice.feed_detail) == (True, FeedDetail.NAMES)
        page = browsers["alice"].get("/en/agenda/abonnement/").content.decode()
        assert links.feed_url(alice) in page

    def test_it_is_renewed_and_switched_off(self, browsers: dict[str, Client], alice: Therapist, url: str) -> None:
        browsers["alice"].post("/en/agenda/abonnement/nieuw/")
        assert Client().get(url).status_code == 404

        alice.refresh_from_db()
        renewed = links.feed_url(alice)
        assert Client().get(renewed).status_code == 200
        browsers["alice"].post("/en/agenda/abonnement/uit/")
        assert Client().get(renewed).status_code == 404

    @pytest.mark.parametrize("action", ["aan", "nieuw", "uit"])
    def test_a_look_changes_nothing(self, browsers: dict[str, Client], url: str, action: str) -> None:
        assert browsers["alice"].get(f"/en/agenda/abonnement/{action}/").status_code == 405
        assert Client().get(url).status_code == 200

    def test_what_is_not_a_choice_gets_a_sentence(self, browsers: dict[str, Client], alice: Therapist) -> None:
        response = browsers["alice"].post("/en/agenda/abonnement/aan/", {"detail": "everything"})

        assert response.status_code == 422
        alice.refresh_from_db()
        assert not alice.feed_on

    @pytest.mark.parametrize("who", ["bob", "dana"])
    def test_it_is_nobody_elses(self, browsers: dict[str, Client], url: str, who: str) -> None:
        for action in ("aan", "nieuw", "uit"):
            response = browsers[who].post(f"/en/agenda/abonnement/{action}/", {"detail": "nothing"})
            assert response.status_code == {"bob": 404, "dana": 403}[who]
        assert Client().get(url).status_code == 200

    def test_a_colleague_rules_only_the_own(self, browsers: dict[str, Client], url: str) -> None:
        browsers["charlie"].post("/en/agenda/abonnement/uit/")

        assert Client().get(url).status_code == 200

    def test_a_stranger_is_led_to_the_sign_in(self) -> None:
        assert Client().get("/en/agenda/abonnement/")["Location"].startswith("/en/account/login/")
