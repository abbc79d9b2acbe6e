"""The agenda."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary
from booking.intervals import Interval
from booking.models import (
    AccessEntry,
    Appointment,
    AppointmentType,
    CalendarSource,
    Hold,
    ImportedBusy,
    Kind,
    Notification,
    NotificationState,
    State,
    Therapist,
)
from booking.views.plan_items import Item
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    make_appointment,
    make_hours,
    make_notification,
    make_parent,
    make_practice,
    make_type,
    wall,
)
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-30 10:30")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def appointment(alice: Therapist) -> Appointment:
    appointment_type = make_type(alice)
    return make_appointment(
        appointment_type, start="2026-12-01 10:00", remark="slaapt slecht", child_first_name="Sam"
    )


def make_busy(therapist: Therapist, start: str, end: str) -> ImportedBusy:
    source, _made = CalendarSource.objects.get_or_create(therapist=therapist, name="home", due_at=NOW)
    return ImportedBusy.objects.create(source=source, start=wall(start), end=wall(end))


def make_hold(appointment_type: AppointmentType, start: str) -> Hold:
    begins = wall(start)
    return Hold.objects.create(
        appointment_type=appointment_type,
        therapist=appointment_type.therapists.get(),
        start=begins,
        occupied_start=begins,
        occupied_end=begins + timedelta(minutes=30),
        expires_at=NOW + timedelta(minutes=10),
        visitor="noor",
        address="home",
    )


def address(appointment: Appointment, action: str = "") -> str:
    return f"/en/agenda/afspraak/{appointment.public_id}/{action}"


class TestWhoSeesWhat:
    @pytest.mark.parametrize(
        ("who", "status"), [("alice", 200), ("bob", 200), ("charlie", 404), ("dana", 403), ("anonymous", 302)]
    )
    def test_an_appointment_is_for_its_therapist_and_the_manager(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int
    ) -> None:
        response = browsers[who].get(address(appointment))

        assert response.status_code == status
        assert ("slaapt slecht" in response.content.decode()) == (status == 200)

    def test_no_cache_and_no_search_engine_keeps_it(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        for path in ("/en/agenda/", "/en/agenda/eerder/", address(appointment)):
            response = browsers["alice"].get(path)

            assert "no-store" in response["Cache-Control"]
            assert response["X-Robots-Tag"] == "noindex"

    @pytest.mark.parametrize("action", ["afzeggen/", "gekomen/", "niet-gekomen/"])
    @pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("dana", 403), ("anonymous", 302)])
    def test_nobody_else_can_change_it(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int, action: str
    ) -> None:
        assert browsers[who].post(address(appointment, action)).status_code == status

        appointment.refresh_from_db()
        assert appointment.state == State.CONFIRMED

    @pytest.mark.parametrize(
        ("who", "seen"), [("alice", ["Sam"]), ("bob", ["Sam", "Tijn"]), ("charlie", ["Tijn"])]
    )
    def test_the_list_holds_the_own_appointments(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist, who: str, seen: list[str]
    ) -> None:
        make_appointment(make_type(charlie), start="2026-12-02 10:00", child_first_name="Tijn")

        page = text(browsers[who].get("/en/agenda/?view=list"))

        assert [name for name in ("Sam", "Tijn") if name in page] == seen

    def test_a_stranger_is_led_to_the_sign_in_and_back(self, browsers: dict[str, Client]) -> None:
        response = browsers["anonymous"].get("/en/agenda/")

        assert response["Location"] == "/en/account/login/?next=/en/agenda/"

    def test_who_cannot_be_booked_for_now_still_sees_her_agenda(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        Therapist.objects.filter(pk=alice.pk).update(active=False)

        assert browsers["alice"].get("/en/agenda/").status_code == 200

    def test_a_closed_account_sees_nothing(self, browsers: dict[str, Client], alice: Therapist) -> None:
        User.objects.filter(therapist=alice).update(is_active=False)

        assert browsers["alice"].get("/en/agenda/")["Location"].startswith("/en/account/login/")

    def test_a_password_alone_is_not_enough_once_there_is_a_second_step(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        """As in a browser that was signed in before the second step was set up elsewhere."""
        session = browsers["alice"].session
        del session[AUTHENTICATION_METHODS_SESSION_KEY]
        session.save()

        response = browsers["alice"].get(address(appointment))
        assert "reauthenticate/?next=" in response["Location"]

    def test_without_a_second_factor_no_family_is_shown(self, appointment: Appointment) -> None:
        user = make_account("erin@praktijk.example", manager=True, second_factor=False)

        response = signed_in(user).get(address(appointment))

        assert response["Location"] == "/en/account/2fa/totp/activate/"

    def test_the_demo_goes_without_and_says_so(self, appointment: Appointment, settings: Any) -> None:
        settings.SECOND_FACTOR = False
        user = make_account("erin@praktijk.example", manager=True, second_factor=False)

        assert "The second step of signing in is off" in text(signed_in(user).get(address(appointment)))


class TestTheList:
    def test_days_are_those_of_the_practice_and_today_is_marked(
        self, browsers: dict[str, Client], appointment: Appointment, alice: Therapist
    ) -> None:
        make_appointment(appointment.appointment_type, start="2026-11-30 09:00")
        make_appointment(appointment.appointment_type, start="2026-12-03 00:30")

        days = browsers["alice"].get("/en/agenda/?view=list").context["days"]

        assert [(f"{day.day}", day.word) for day in days] == [
            ("2026-11-30", "Today"),
            ("2026-12-01", "Tomorrow"),
            ("2026-12-03", ""),
        ]

    def test_it_gives_the_ways_to_reach_a_family(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        page = browsers["alice"].get("/en/agenda/?view=list").content.decode()

        assert '<a href="tel:+31612345678">06 12345678</a>' in page
        assert '<a href="mailto:noor@example.org">noor@example.org</a>' in page
        assert "slaapt slecht" not in page

    def test_a_cancelled_appointment_is_not_listed(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW)

        assert "There are no appointments ahead." in text(browsers["alice"].get("/en/agenda/?view=list"))

    def test_the_last_thirty_days_are_on_a_page_of_their_own(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        appointment_type = make_type(alice)
        for start in ("2026-10-30 09:00", "2026-10-31 09:00", "2026-11-29 09:00", "2026-11-30 09:00"):
            make_appointment(appointment_type, start=start)

        days = browsers["alice"].get("/en/agenda/eerder/").context["days"]

        assert [f"{day.day}" for day in days] == ["2026-11-29", "2026-10-31"]

    @pytest.mark.parametrize(("path", "day"), [("?view=list", "2026-12-01"), ("eerder/", "2026-11-29")])
    def test_a_long_list_has_pages(
        self, browsers: dict[str, Client], alice: Therapist, path: str, day: str
    ) -> None:
        appointment_type = make_type(alice, duration=timedelta(minutes=15))
        for number in range(21):
            make_appointment(appointment_type, start=f"{day} {9 + number // 4:02}:{number % 4 * 15:02}")

        def look(path: str) -> tuple[int, str, str]:
            context = browsers["alice"].get(f"/en/agenda/{path}").context
            shown = sum(len(day.entries) for day in context["days"])
            return shown, context["earlier_page"], context["later_page"]

        one, *_ways, later = look(path)
        assert one == 20
        rest, earlier, end = look(f"{path.partition('?')[0]}{later}")
        assert (rest, end) == (1, "")
        assert look(f"{path.partition('?')[0]}{earlier}")[0] == 20
        for wrong in ("0", "-1", "x", "²", "99999999999999999999"):
            assert look(f"{path}{'&' if '?' in path else '?'}page={wrong}")[0] == 20

    def test_what_was_erased_is_shown_as_such(self, browsers: dict[str, Client], alice: Therapist) -> None:
        erased = make_appointment(make_type(alice), start="2026-11-29 09:00", erased_at=NOW)
        erased.parents.update(name="", email="", phone="")

        assert "erased" in text(browsers["alice"].get("/en/agenda/eerder/"))
        assert "The data of the family were erased" in text(browsers["alice"].get(address(erased)))


def columns(response: Any) -> list[tuple[str, list[str]]]:
    """Return what each column of the plan shows, as its heading and the words of what lies in it."""
    return [
        (column.therapist or f"{column.day}", [words(item) for item in column.items])
        for column in response.context["plan"].columns
    ]


def words(item: Item) -> str:
    return " ".join([item.since + item.until, item.what, *item.marks])


class TestThePlan:
    def test_the_agenda_opens_with_this_week(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        response = browsers["alice"].get("/en/agenda/")

        days = [f"{column.day}" for column in response.context["plan"].columns]
        assert days == ["2026-11-30", *(f"2026-12-0{number}" for number in range(1, 7))]
        page = text(response)
        assert "Week 49 30 November – 6 December 2026" in page
        assert "Tuesday 1 December Tomorrow" in page
        assert "10:00 –11:00 Sam" in page

    def test_all_that_lies_on_a_day_is_told_in_words(
        self, browsers: dict[str, Client], alice: Therapist, appointment: Appointment
    ) -> None:
        make_hours(alice, 1, start="09:00", end="12:00")
        make_busy(alice, "2026-12-01 11:00", "2026-12-01 13:00")
        diary.add_time_off(alice, Interval(wall("2026-12-01 14:00"), wall("2026-12-02 00:00")), "Dentist")
        make_hold(appointment.appointment_type, "2026-12-01 09:30")

        page = text(browsers["alice"].get("/en/agenda/?view=day&day=2026-12-01"))

        for found in (
            "Tuesday 1 December 2026",
            "Open 09:00–12:00",
            "09:00 –09:30 Free: book",
            "09:30 –10:00 Held: someone is booking",
            "10:00 –11:00 Sam First consultation",
            "11:00 –13:00 Busy elsewhere",
            "from 14:00 Away: Dentist",
        ):
            assert found in page
        assert "slaapt slecht" not in page

    def test_a_day_of_a_week_leads_to_that_day_which_leads_nowhere_unseen(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        heading = re.compile(r'<h2 class="([\w-]+)" id="day-2026-12-01">(<a )?')

        week, day = (
            heading.search(browsers["alice"].get(f"/en/agenda/?view={view}&day=2026-12-01").content.decode())
            for view in ("week", "day")
        )

        assert week is not None
        assert week.groups() == ("plan__head", "<a ")
        assert day is not None
        assert day.groups() == ("visually-hidden", None)

    def test_now_and_today_are_marked(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_appointment(make_type(alice), start="2026-11-30 09:00")
        make_appointment(alice.appointment_types.get(), start="2026-11-30 11:00")

        monday, *others = browsers["alice"].get("/en/agenda/").context["plan"].columns

        assert [words(item) for item in monday.items] == [
            "09:00–10:00 appointment",
            "10:30 now",
            "11:00–12:00 appointment outside working hours",
        ]
        assert (monday.today, monday.word) == (True, "Today")
        assert not any(day.today for day in others)
        assert not any(item.what == "now" for day in others for item in day.items)

    def test_what_needs_a_look_is_marked(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_hours(alice, 0, 1, start="09:00", end="12:00")
        make_appointment(make_type(alice), start="2026-12-01 09:00", asked_to_move_at=NOW)
        make_appointment(
            alice.appointment_types.get(), start="2026-11-30 09:00", state=State.NO_SHOW, outcome_at=NOW
        )

        monday, tuesday, *_others = browsers["alice"].get("/en/agenda/").context["plan"].columns

        assert words(monday.items[0]) == "09:00–10:00 appointment no-show"
        assert words(tuesday.items[0]) == "09:00–10:00 appointment other time asked"

    def test_free_time_leads_to_booking_it(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_hours(alice, 0, 1)

        monday, tuesday, *_others = browsers["alice"].get("/en/agenda/").context["plan"].columns

        path = "/en/agenda/afspraak/nieuw/?therapist=alice&"
        assert [item.url for item in tuesday.items] == [f"{path}day=2026-12-01&time=09%3A00"]
        assert [item.url for item in monday.items] == ["", f"{path}day=2026-11-30&time=10%3A45"]
        assert browsers["alice"].get(tuesday.items[0].url).status_code == 200

    def test_what_was_erased_says_nothing_of_the_family(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        make_appointment(make_type(alice), start="2026-11-30 09:00", erased_at=NOW, child_first_name="")

        assert "09:00 –10:00 erased" in text(browsers["alice"].get("/en/agenda/"))

    def test_a_public_holiday_has_its_name_in_the_readers_language(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        english, dutch = (
            text(browsers["alice"].get(f"{language}/agenda/?day=2026-12-25")) for language in ("/en", "")
        )

        assert "Christmas Day Closed" in english
        assert "Eerste kerstdag" in dutch

    @pytest.mark.parametrize(
        ("day", "sentence", "rows", "hours"),
        [
            ("2027-03-28", "The clock goes forward.", 92, ["0:00", "1:00", "3:00", "4:00"]),
            ("2026-10-25", "The clock goes back.", 100, ["0:00", "1:00", "2:00", "2:00 again"]),
            ("2026-12-01", "", 96, ["0:00", "1:00", "2:00", "3:00"]),
        ],
        ids=["23 hours", "25 hours", "24 hours"],
    )
    def test_a_day_has_the_hours_that_pass(
        self, browsers: dict[str, Client], alice: Therapist, day: str, sentence: str, rows: int, hours: list[str]
    ) -> None:
        make_busy(alice, f"{day} 00:15", f"{day} 05:00")
        make_busy(alice, f"{day} 22:00", f"{day} 23:00")

        response = browsers["alice"].get(f"/en/agenda/?view=day&day={day}")

        plan = response.context["plan"]
        assert plan.columns[0].clock == sentence
        assert plan.ticks[-1].row == rows - 7
        clock = re.search(r'plan__clock".*?</ol>', response.content.decode(), re.DOTALL)
        assert clock
        shown = re.findall(r"<li[^>]*>(.*?)</li>", clock[0], re.DOTALL)
        assert [" ".join(re.sub("<br>", " ", hour).split()) for hour in shown[:4]] == hours

    def test_every_place_has_a_class_in_the_style_sheet(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        for number in range(7):
            make_busy(alice, "2026-10-25 00:00", f"2026-10-25 2{number % 4}:00")
        make_appointment(make_type(alice), start="2026-10-25 02:00")

        page = browsers["alice"].get("/en/agenda/?day=2026-10-25").content.decode()

        style = Path("static/plan.css").read_text()
        used = set(re.findall(r"\b(?:rows?-\d+|lane-\d-of-\d)\b", page)) - {"lane-1-of-1"}
        assert {"lane-1-of-2", "lane-2-of-2"} < used
        assert [name for name in used if f".{name} " not in style] == []


class TestMoving:
    @pytest.mark.parametrize(
        ("view", "previous", "next_one"),
        [
            ("day", "2026-12-30", "2027-01-01"),
            ("week", "2026-12-27", "2027-01-04"),
            ("month", "2026-11-30", "2027-01-01"),
        ],
    )
    def test_each_view_leads_to_what_lies_before_and_after(
        self, browsers: dict[str, Client], view: str, previous: str, next_one: str
    ) -> None:
        page = browsers["alice"].get(f"/en/agenda/?view={view}&day=2026-12-31").content.decode()

        assert hrefs(page, "previous", "today", "next") == [
            f"/en/agenda/?view={view}&day={day}" for day in (previous, "2026-11-30", next_one)
        ]

    def test_a_view_leads_to_the_others_of_the_same_day(self, browsers: dict[str, Client]) -> None:
        page = browsers["bob"].get("/en/agenda/?day=2026-12-31&therapist=charlie").content.decode()

        assert hrefs(page, "view-1", "view-2", "view-3", "view-4") == [
            f"/en/agenda/?view={view}&day=2026-12-31&therapist=charlie"
            for view in ("day", "week", "month", "list")
        ]

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            ("2026-02-30", "This day does not exist. Please choose another one."),
            ("tomorrow", "This day does not exist. Please choose another one."),
            ("9999-12-31", "Please choose a day between 2000 and 2100."),
        ],
    )
    def test_a_day_that_is_none_becomes_today_with_a_sentence(
        self, browsers: dict[str, Client], day: str, sentence: str
    ) -> None:
        response = browsers["alice"].get("/en/agenda/", {"view": "day", "day": day})

        assert (response.status_code, f"{response.context['where'].day}") == (200, "2026-11-30")
        assert f"{sentence} You now see today." in text(response)

    @pytest.mark.parametrize("query", ["", "?day=", "?view=year"])
    def test_without_a_day_or_with_a_view_that_is_none_it_is_this_week(
        self, browsers: dict[str, Client], query: str
    ) -> None:
        where = browsers["alice"].get(f"/en/agenda/{query}").context["where"]

        assert (where.view, f"{where.first}", where.problem) == ("week", "2026-11-30", "")

    @pytest.mark.parametrize("view", ["day", "week", "month"])
    @pytest.mark.parametrize("day", ["2000-01-01", "2100-12-31"])
    def test_the_first_and_the_last_day_can_be_looked_at(
        self, browsers: dict[str, Client], alice: Therapist, view: str, day: str
    ) -> None:
        make_hours(alice)

        assert browsers["alice"].get(f"/en/agenda/?view={view}&day={day}").status_code == 200


def hrefs(page: str, *ids: str) -> list[str]:
    found = (re.search(rf'id="{id}"[^>]*href="([^"]*)"', page) for id in ids)
    return [unescape(match[1]) for match in found if match]


class TestWhoseAgenda:
    @pytest.fixture(autouse=True)
    def booked(self, alice: Therapist, charlie: Therapist) -> None:
        make_appointment(make_type(alice), start="2026-12-01 10:00", child_first_name="Sam")
        make_appointment(make_type(charlie), start="2026-12-01 10:00", child_first_name="Tijn")

    @pytest.mark.parametrize("view", ["day", "week", "list"])
    @pytest.mark.parametrize(
        ("who", "query", "seen"),
        [
            ("alice", "", ["Sam"]),
            ("alice", "&therapist=alice", ["Sam"]),
            ("alice", "&therapist=", ["Sam"]),
            ("charlie", "", ["Tijn"]),
            ("bob", "", ["Sam", "Tijn"]),
            ("bob", "&therapist=", ["Sam", "Tijn"]),
            ("bob", "&therapist=charlie", ["Tijn"]),
        ],
    )
    def test_a_therapist_sees_the_own_and_a_manager_whom_she_chooses(
        self, browsers: dict[str, Client], who: str, query: str, seen: list[str], view: str
    ) -> None:
        page = text(browsers[who].get(f"/en/agenda/?view={view}&day=2026-12-01{query}"))

        assert [name for name in ("Sam", "Tijn") if name in page] == seen

    @pytest.mark.parametrize(
        ("who", "query", "count"), [("alice", "", "1"), ("bob", "", "2"), ("bob", "&therapist=charlie", "1")]
    )
    def test_a_month_counts_the_same(self, browsers: dict[str, Client], who: str, query: str, count: str) -> None:
        page = text(browsers[who].get(f"/en/agenda/?view=month&day=2026-12-01{query}"))

        assert f"Tuesday 1 December 1 {count} appointment" in page

    @pytest.mark.parametrize(
        ("who", "query", "status"),
        [
            ("alice", "&therapist=charlie", 404),
            ("bob", "&therapist=nobody", 404),
            ("dana", "", 403),
            ("anonymous", "", 302),
        ],
    )
    @pytest.mark.parametrize("view", ["day", "week", "month", "list"])
    def test_nobody_else_sees_it(
        self, browsers: dict[str, Client], who: str, query: str, status: int, view: str
    ) -> None:
        assert browsers[who].get(f"/en/agenda/?view={view}{query}").status_code == status

    def test_a_manager_who_is_a_therapist_begins_with_her_own(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        User.objects.filter(therapist=alice).update(is_staff=True)

        page = text(browsers["alice"].get("/en/agenda/"))

        assert "Sam" in page
        assert "Tijn" not in page

    def test_a_day_of_everyone_has_a_column_for_each(self, browsers: dict[str, Client]) -> None:
        found = columns(browsers["bob"].get("/en/agenda/?view=day&day=2026-12-01"))

        outside = "10:00–11:00 appointment outside working hours"
        assert found == [("Alice", [outside]), ("Charlie", [outside])]

    def test_a_week_of_everyone_is_lists_with_names(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_hours(alice, 1)

        response = browsers["bob"].get("/en/agenda/?day=2026-12-01")

        assert response.context["plan"].ticks == []
        assert len(columns(response)) == 7
        page = text(response)
        assert "Alice: 09:00–17:00" in page
        assert "Sam First consultation, Alice" in page
        assert "Free" not in page

    def test_a_practice_without_therapists_says_so(self) -> None:
        Appointment.objects.all().delete()
        Therapist.objects.all().delete()
        manager = signed_in(make_account("erin@praktijk.example", manager=True))

        for view in ("day", "week", "month", "list"):
            assert "There is no therapist yet." in text(manager.get(f"/en/agenda/?view={view}"))


class TestAMonth:
    def test_each_day_leads_to_itself_and_says_what_it_holds(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        make_hours(alice, 0, 1, 2, 3, 4)
        consult = make_type(alice)
        for start in ("2026-12-01 09:00", "2026-12-01 10:00", "2026-12-02 09:00"):
            make_appointment(consult, start=start)
        diary.add_time_off(alice, Interval(wall("2026-12-03 00:00"), wall("2026-12-04 00:00")))

        response = browsers["alice"].get("/en/agenda/?view=month&day=2026-12-17")

        page = text(response)
        for found in (
            "December 2026",
            "Tuesday 1 December 1 2 appointments",
            "Wednesday 2 December 2 1 appointment Thursday",
            "Thursday 3 December 3 Away Closed",
            "Saturday 5 December 5 Closed",
            "Friday 25 December 25 Christmas Day Closed",
        ):
            assert found in page
        assert unescape(response.content.decode()).count("/en/agenda/?view=day&day=2026-12-") >= 31

    def test_weeks_run_from_monday_to_sunday(self, browsers: dict[str, Client]) -> None:
        weeks = browsers["alice"].get("/en/agenda/?view=month&day=2026-11-30").context["weeks"]

        assert [[day.glance.day.day if day else None for day in week] for week in (weeks[0], weeks[-1])] == [
            [None] * 6 + [1],
            [30] + [None] * 6,
        ]
        assert [day.glance.day.day for week in weeks for day in week if day and day.today] == [30]


class TestQueries:
    @pytest.mark.parametrize("view", ["day", "week", "month", "list"])
    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_much_costs_as_many_queries_as_little(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist, who: str, view: str
    ) -> None:
        path = f"/en/agenda/?view={view}&day=2026-12-01"
        make_hours(charlie)
        # One that failed names a family, which is written down.
        make_notification(appointment=appointment, state=NotificationState.FAILED)
        with CaptureQueriesContext(connection) as unread_diary:
            browsers[who].get(path)
        with CaptureQueriesContext(connection) as little:
            browsers[who].get(path)
        for hour in range(11, 17):
            more = make_appointment(appointment.appointment_type, start=f"2026-12-01 {hour:02}:00")
            make_parent(more)
            make_notification(appointment=more, state=NotificationState.FAILED)
            make_appointment(make_type(charlie), start=f"2026-12-02 {hour:02}:00")
            make_busy(charlie, f"2026-12-01 {hour:02}:00", f"2026-12-01 {hour:02}:30")

        with CaptureQueriesContext(connection) as unread_practice:
            browsers[who].get(path)
        with CaptureQueriesContext(connection) as much:
            browsers[who].get(path)

        assert len(little) == len(much) <= len(unread_practice) <= len(unread_diary) <= 10


class TestNoAnswerYet:
    """Families that were asked to choose another time, and have not done so."""

    @pytest.fixture
    def asked(self, appointment: Appointment) -> Appointment:
        Appointment.objects.update(asked_to_move_at=NOW - timedelta(days=1))
        return appointment

    @pytest.mark.parametrize("view", ["day", "week", "month", "list"])
    def test_they_stand_above_the_agenda_with_their_phone_numbers(
        self, browsers: dict[str, Client], asked: Appointment, view: str
    ) -> None:
        page = browsers["alice"].get(f"/en/agenda/?view={view}&day=2027-03-01")

        above = text(page).partition("These families have not chosen another time yet")[2]
        assert "Tuesday 1 December, 10:00 , asked on 29 November, 10:30 Noor de Vries 06 12345678" in above
        assert 'href="tel:+31612345678"' in page.content.decode()

    def test_who_answered_or_was_told_that_the_time_stands_is_not_among_them(
        self, browsers: dict[str, Client], asked: Appointment
    ) -> None:
        make_appointment(make_type(asked.therapist), start="2026-11-30 10:30", asked_to_move_at=NOW)
        for change in (
            {"asked_to_move_at": None},
            {"asked_to_move_at": NOW, "state": State.CANCELLED, "cancelled_at": NOW},
        ):
            Appointment.objects.filter(pk=asked.pk).update(**change)
            assert "not chosen another time" not in text(browsers["alice"].get("/en/agenda/"))

    def test_they_are_her_own_and_the_managers_to_see(
        self, browsers: dict[str, Client], asked: Appointment
    ) -> None:
        assert "Noor de Vries" in text(browsers["bob"].get("/en/agenda/?view=month&day=2027-03-01"))
        assert "Noor de Vries" not in text(browsers["charlie"].get("/en/agenda/?view=month&day=2027-03-01"))

    def test_who_reads_of_them_is_in_the_access_log(self, browsers: dict[str, Client], asked: Appointment) -> None:
        browsers["alice"].get("/en/agenda/?view=month&day=2027-03-01")

        seen = AccessEntry.objects.filter(appointment=asked.public_id)
        assert [entry.action for entry in seen] == ["listed"]

    def test_many_cost_as_many_queries_as_one(self, browsers: dict[str, Client], asked: Appointment) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                browsers["alice"].get("/en/agenda/?view=month&day=2027-03-01")
            return len(captured)

        queries()
        one = queries()
        for day in range(2, 6):
            make_appointment(asked.appointment_type, start=f"2026-12-0{day} 10:00", asked_to_move_at=NOW)

        assert queries() == one

    def test_the_list_marks_them(self, browsers: dict[str, Client], asked: Appointment) -> None:
        assert "other time asked" in text(browsers["alice"].get("/en/agenda/?view=list"))


class TestUndeliveredMail:
    def failed(self, appointment: Appointment, **fields: Any) -> Notification:
        return make_notification(
            Kind.CONFIRMATION, appointment=appointment, state=NotificationState.FAILED, **fields
        )

    def test_it_stands_above_the_list_until_it_is_tried_again(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        mail = self.failed(appointment)
        page = text(browsers["alice"].get("/en/agenda/"))
        assert "Confirmation, Tuesday 1 December, 10:00 to Noor de Vries (noor@example.org)" in page

        browsers["alice"].post(f"/en/agenda/mail/{mail.pk}/opnieuw/")

        mail.refresh_from_db()
        assert (mail.state, mail.due_at) == (NotificationState.DUE, NOW)
        assert "could not be delivered" not in text(browsers["alice"].get("/en/agenda/"))

    def test_trying_again_twice_is_harmless(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        mail = self.failed(appointment)

        for _ in range(2):
            assert browsers["alice"].post(f"/en/agenda/mail/{mail.pk}/opnieuw/").status_code == 302

    @pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("dana", 403), ("anonymous", 302)])
    def test_it_is_nobody_elses(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int
    ) -> None:
        mail = self.failed(appointment)

        assert browsers[who].post(f"/en/agenda/mail/{mail.pk}/opnieuw/").status_code == status

        mail.refresh_from_db()
        assert mail.state == NotificationState.FAILED

    def test_what_helps_no_one_any_more_is_not_shown(self, browsers: dict[str, Client], alice: Therapist) -> None:
        begun = make_appointment(make_type(alice), start="2026-11-30 10:00")
        self.failed(begun)
        yesterday = (NOW - timedelta(days=1)).date()
        make_notification(Kind.OVERVIEW, therapist=alice, local_day=yesterday, state=NotificationState.FAILED)

        assert "could not be delivered" not in text(browsers["alice"].get("/en/agenda/"))

    def test_who_reads_of_it_is_in_the_access_log(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        self.failed(appointment)

        browsers["alice"].get("/en/agenda/?view=month&day=2027-03-01")

        seen = AccessEntry.objects.filter(appointment=appointment.public_id)
        assert [entry.action for entry in seen] == ["listed"]

    @pytest.mark.parametrize(("days", "shown"), [(2, True), (4, False)])
    def test_a_link_for_a_password_is_the_managers_to_see_as_long_as_it_is_waited_for(
        self, browsers: dict[str, Client], alice: Therapist, days: int, *, shown: bool
    ) -> None:
        due_at = NOW - timedelta(days=days)
        make_notification(Kind.PASSWORD_LINK, therapist=alice, state=NotificationState.FAILED, due_at=due_at)

        page = text(browsers["bob"].get("/en/agenda/"))

        assert ("Link to choose a password to Alice (alice@praktijk.example)" in page) == shown
        assert "could not be delivered" not in text(browsers["charlie"].get("/en/agenda/"))

    def test_todays_overview_is_the_therapists_own(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_notification(Kind.OVERVIEW, therapist=alice, local_day=NOW.date(), state=NotificationState.FAILED)

        assert "Overview, Monday 30 November" in text(browsers["alice"].get("/en/agenda/"))
        assert "Overview" not in text(browsers["charlie"].get("/en/agenda/"))
