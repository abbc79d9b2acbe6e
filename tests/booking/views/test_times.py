"""How free times are shown: a week day by day, a month, parts of the day, and why nothing is free."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary
from booking.intervals import Interval
from booking.models import AppointmentType, Therapist
from practice.translations import Translated
from tests.booking.factories import make_appointment, make_hours, make_practice, make_therapist, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

# A Friday.
NOW = wall("2026-12-11 12:00")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    alice = make_therapist(name="Alice", slug="alice")
    for weekday in (0, 1, 3):
        make_hours(alice, weekday, start="10:00", end="12:00")
    make_hours(alice, 1, start="17:00", end="20:00")
    return alice


@pytest.fixture(autouse=True)
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, slug="eerste-afspraak", step=timedelta(hours=1), minimum_notice=timedelta(days=1))


def get(**query: str) -> Any:
    return Client().get("/afspraak/", query)


def words(response: Any) -> list[str]:
    """Return what the strip says of each day, as "14 2 vrij"."""
    found = re.findall(r'<b aria-hidden="true">(\d+)</b> <small>(.*?)</small>', response.content.decode())
    return [f"{day} {re.sub('<[^>]+>', '', said)}" for day, said in found]


def test_the_strip_says_of_each_day_what_is_free_or_why_nothing_is(consult: AppointmentType) -> None:
    for hour in ("10:00", "11:00"):
        make_appointment(consult, start=f"2026-12-17 {hour}")

    response = get()

    assert words(response) == ["14 2 vrij", "15 5 vrij", "16 dicht", "17 vol", "18 dicht", "19 dicht", "20 dicht"]
    assert "donderdag 17 december Alles is bezet." in text(response)
    assert "woensdag 16 december De praktijk is dicht." in text(response)


def test_times_stand_under_their_part_of_the_day() -> None:
    day = get().context["days"][1]

    assert [(part.name, [f"{time.start:%H:%M}" for time in part.times]) for part in day.parts] == [
        ("Ochtend", ["10:00", "11:00"]),
        ("Middag", ["17:00"]),
        ("Avond", ["18:00", "19:00"]),
    ]


def test_a_public_holiday_is_called_by_its_name() -> None:
    assert "vrijdag 25 december De praktijk is dicht: Eerste kerstdag." in text(get(day="2026-12-21"))


def test_time_off_is_closed_too(alice: Therapist) -> None:
    diary.add_time_off(
        alice, Interval(wall("2026-12-15 00:00"), wall("2026-12-16 00:00")), notice=Translated(nl="Op cursus.")
    )

    response = get()

    assert "15 dicht" in words(response)
    assert "Op cursus." in text(response)


def test_what_comes_too_soon_leads_to_the_phone(clock: Any) -> None:
    clock.move_to(wall("2026-12-14 09:00"))

    response = get(day="2026-12-14")

    assert words(response)[:2] == ["14 bel ons", "15 5 vrij"]
    assert "Zo snel is hier niets meer vrij." in text(response)


def test_a_day_without_times_says_when_the_next_are() -> None:
    response = get(day="2026-12-18")

    assert (
        "Op vrijdag 18 december is niets vrij. Het eerstvolgende vrije moment is maandag 21 december om 10:00 uur."
        in text(response)
    )
    assert "day=2026-12-21#day-2026-12-21" in response.content.decode()


def test_a_week_without_times_says_when_the_next_are(alice: Therapist) -> None:
    diary.add_time_off(alice, Interval(wall("2026-12-15 00:00"), wall("2027-01-04 00:00")))

    first, empty = get(), get(day="2026-12-15")

    assert first.context["later"] == date(2027, 1, 4)
    assert "Het eerstvolgende vrije moment is maandag 4 januari om 10:00 uur." in text(empty)
    assert set(words(empty)) == {f"{day} dicht" for day in range(15, 22)}


@pytest.mark.parametrize("day", ["2027-06-01", "9999-12-31"])
def test_a_day_past_the_last_one_says_how_far_one_can_book(day: str) -> None:
    response = get(day=day)

    assert "Vanaf deze datum is er niets vrij" in text(response)
    assert response.context["earlier"]
    assert words(response) == []


@pytest.mark.parametrize("day", ["0001-01-01", "2026-11-01", "2026-12-11"])
def test_a_day_that_has_been_shows_from_today_on(day: str) -> None:
    assert get(day=day).context["week"][0].day == date(2026, 12, 11)


def test_earlier_and_later_meet_and_skip_nothing() -> None:
    def led(way: str, page: str) -> str:
        found = re.search(rf'href="[^"]*day=([\d-]+)#times-title" rel="{way}"', page)
        return found[1] if found else ""

    def shown(page: str) -> list[str]:
        return re.findall(r'<h3 id="day-([\d-]+)"', page)

    pages = [get(day="2026-12-14").content.decode()]
    while day := led("next", pages[-1]):
        pages.append(get(day=day).content.decode())
    back = pages[-1]
    while day := led("prev", back):
        back = get(day=day).content.decode()

    seen = [day for page in pages for day in shown(page)]
    assert len(pages) > 8
    assert seen == sorted(set(seen))
    assert shown(back)[0] == "2026-12-14"


class TestMonth:
    def test_its_sheet_leads_to_each_day_that_has_times(self) -> None:
        page = get(view="month").content.decode()

        led = re.findall(r'view=month&amp;day=(2026-12-\d\d)#day-\1"', page)
        free = [f"2026-12-{day}" for day in (14, 15, 17, 21, 22, 24, 28, 29, 31)]
        assert led == free
        assert re.search(r'maandag 14 december, </span><span aria-hidden="true">14</span> <small>2<', page)

    def test_a_chosen_day_stands_first_in_the_list_below(self) -> None:
        response = get(view="month", day="2026-12-22")

        assert response.context["days"][0].day == date(2026, 12, 22)
        assert re.search(r'day=2026-12-22#day-2026-12-22" aria-current="date"', response.content.decode())

    def test_the_months_beside_it_are_as_far_as_one_can_book(self) -> None:
        first = get(view="month").context["month"]
        assert (first.first, first.previous, first.next) == (date(2026, 12, 1), None, date(2027, 1, 4))

        january = get(view="month", day=str(first.next)).context["month"]
        assert (january.first, january.previous, january.next) == (
            date(2027, 1, 1),
            date(2026, 12, 14),
            date(2027, 2, 1),
        )

        # The last day is 9 February.
        assert get(view="month", day="2027-02-01").context["month"].next is None

    def test_weeks_begin_on_monday_and_other_months_days_stay_empty(self) -> None:
        weeks = get(view="month").context["month"].weeks

        # The first week of December has been.
        assert [day and day.day.day for day in weeks[0]] == [7, 8, 9, 10, 11, 12, 13]
        assert [day and day.day.day for day in weeks[-1]] == [28, 29, 30, 31, None, None, None]

    def test_the_view_and_the_therapist_stay_chosen_on_the_way(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        bob = make_therapist(name="Bob", slug="bob")
        make_hours(bob, 2, start="13:00", end="14:00")
        consult.therapists.add(bob)

        page = get(view="month", therapist="bob").content.decode()

        assert 'href="/afspraak/?type=eerste-afspraak&amp;therapist=bob&amp;view=month&amp;day=2026-12-16#' in page
        assert '<input type="hidden" name="view" value="month">' in page

    @pytest.mark.parametrize("view", ["", "year", "month\x00", "x" * 5000])
    def test_any_other_view_is_the_week(self, view: str) -> None:
        response = get(view=view)

        assert response.status_code == 200
        assert words(response)


@pytest.mark.parametrize("query", [{}, {"view": "month"}, {"day": "2026-12-18"}, {"day": "2027-06-01"}])
def test_a_week_and_a_month_cost_the_same_few_queries(query: dict[str, str]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            get(**query)
        return len(captured)

    queries()

    # What stays is kept, but for the site's version and those of the page.
    assert queries() == 2


def test_the_kept_page_says_too_soon_from_the_moment_on_at_which_it_is(
    consult: AppointmentType, clock: Any
) -> None:
    for hour in ("10:00", "11:00"):
        make_appointment(consult, start=f"2026-12-17 {hour}")
    query = {"day": "2026-12-17"}
    before = words(get(**query))[0]

    clock.move_to(wall("2026-12-16 09:00"))

    assert (before, words(get(**query))[0]) == ("17 vol", "17 bel ons")
