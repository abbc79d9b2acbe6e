"""A parent comes back by the manage link, as a browser without JavaScript does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from booking import diary, emails, erasure, links, rate_limits
from booking.intervals import Interval
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    NotificationState,
    State,
    Therapist,
)
from tests.booking.factories import (
    make_appointment,
    make_hours,
    make_notification,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    alice = make_therapist(name="Alice", slug="alice")
    make_hours(alice, start="09:00", end="12:00")
    return alice


@pytest.fixture(autouse=True)
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, slug="eerste-afspraak", step=timedelta(hours=1))


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=False)


def manage_link(appointment: Appointment, name: str = "manage") -> str:
    return reverse(f"booking:{name}", args=[links.manage_token(appointment.parents.get())])


class TestAskedToMove:
    """The practice asked for another time: no page speaks of the old one as if it stood."""

    @pytest.fixture
    def asked(self, consult: AppointmentType) -> Appointment:
        return make_appointment(consult, start="2026-12-01 10:00", asked_to_move_at=NOW - timedelta(days=1))

    def test_the_page_of_the_appointment_asks_once_more(self, visitor: Client, asked: Appointment) -> None:
        make_notification(Kind.REMINDER, appointment=asked, due_at=wall("2026-11-29 10:00"))

        page = text(visitor.get(manage_link(asked)))

        assert "Wilt u een ander moment kiezen?" in page
        assert "06 51001943" in page
        assert "We herinneren u per mail op:" not in page
        assert "Zolang u geen ander moment koos, vragen we het nog een keer per mail op:" in page

    def test_the_page_after_booking_is_no_longer_what_happens_next(
        self, visitor: Client, asked: Appointment
    ) -> None:
        assert visitor.get(manage_link(asked, "booked"))["Location"] == manage_link(asked)

    def test_the_file_for_a_calendar_says_that_it_is_not_certain(
        self, visitor: Client, asked: Appointment
    ) -> None:
        file = visitor.get(manage_link(asked, "calendar_file")).content.decode().replace("\r\n ", "")

        assert "STATUS:TENTATIVE" in file
        assert "De praktijk heeft u gevraagd een ander moment te kiezen." in file

    def test_where_nothing_is_free_it_gives_the_number_and_no_list_of_closed_days(
        self, visitor: Client, asked: Appointment, alice: Therapist
    ) -> None:
        diary.add_time_off(alice, Interval(NOW, wall("2027-02-10 00:00")))

        page = text(visitor.get(manage_link(asked, "reschedule")))

        assert "Er is nu geen vrij moment" in page
        assert "06 51001943" in page
        assert "Dicht" not in page
        assert "Er is bij de praktijk dan iets tussengekomen" in page

    def test_past_the_last_free_day_there_is_the_number_and_no_list_of_closed_days(
        self, visitor: Client, asked: Appointment, alice: Therapist
    ) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-03 00:00"), wall("2027-02-10 00:00")))

        page = text(visitor.get(manage_link(asked, "reschedule"), {"day": "2026-12-07"}))

        assert "Vanaf deze datum is er niets vrij." in page
        assert "06 51001943" in page
        assert "Dicht" not in page

    def test_once_it_has_begun_nothing_is_asked_any_more(
        self, visitor: Client, asked: Appointment, clock: Any
    ) -> None:
        clock.move_to(wall("2026-12-01 10:00"))

        assert "Wilt u een ander moment kiezen?" not in text(visitor.get(manage_link(asked)))


class TestATimeThatIsGone:
    """Somebody else was quicker while a family moved: it goes on where it looked."""

    GONE = "2026-12-21T09:00Z"

    @pytest.fixture
    def appointment(self, consult: AppointmentType) -> Appointment:
        make_appointment(consult, start="2026-12-21 10:00")
        return make_appointment(consult, start="2026-12-01 10:00")

    @pytest.mark.parametrize("asked", [{}, {"day": "2026-12-19"}, {"day": "2026-12-19", "view": "month"}])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_the_same_week_comes_back_with_the_nearest_times(
        self, visitor: Client, appointment: Appointment, method: str, asked: dict[str, str]
    ) -> None:
        response = getattr(visitor, method)(manage_link(appointment, "reschedule"), {"start": self.GONE, **asked})

        assert response.status_code == 409
        assert f"{response.context['begin']}" == asked.get("day", "2026-12-21")
        assert response.context["by_month"] == ("view" in asked)
        nearest = [f"{time.start:%d %H:%M}" for day in response.context["nearest"] for time in day.times]
        assert nearest == ["20 10:00", "20 11:00", "21 09:00", "21 11:00", "22 09:00", "22 10:00"]
        assert "De vrije momenten die er het dichtst bij liggen" in text(response)

    def test_the_question_about_a_time_leads_back_to_the_days_that_were_looked_at(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        here = manage_link(appointment, "reschedule")
        listed = visitor.get(here, {"day": "2026-12-19"}).content.decode()
        assert '<input type="hidden" name="day" value="2026-12-19">' in listed

        asked = visitor.get(here, {"start": "2026-12-22T09:00Z", "day": "2026-12-19"}).content.decode()

        assert '<input type="hidden" name="day" value="2026-12-19">' in asked
        assert f'href="{here}?day=2026-12-19"' in asked

    @pytest.mark.parametrize("start", ["2026-11-01T09:00Z", "9999-12-31T23:00Z", "0001-01-01T00:00Z"])
    def test_a_time_that_never_could_be_had_leads_to_the_first_ones(
        self, visitor: Client, appointment: Appointment, start: str
    ) -> None:
        response = visitor.post(manage_link(appointment, "reschedule"), {"start": start})

        assert response.status_code == 422
        assert f"{response.context['begin']}" == "2026-11-21"
        assert not response.context["nearest"]


class TestManaging:
    @pytest.fixture
    def appointment(self, consult: AppointmentType) -> Appointment:
        return make_appointment(consult, start="2026-12-01 10:00", remark="een geheim")

    def test_it_shows_the_appointment_and_nothing_about_the_family(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        response = visitor.get(manage_link(appointment))

        page = response.content.decode()
        assert "dinsdag 1 december 2026 10:00 tot 11:00 uur" in text(response)
        assert not [word for word in ("Noor", "Sam") if word in text(response)]
        assert not [word for word in ("Noor de Vries", "een geheim", "noor@") if word in page]

    def test_mails_follow_the_language_that_something_was_done_in(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        start = wall("2026-12-01 11:00")
        with override("en"):
            page = manage_link(appointment, "reschedule")
        assert visitor.get(page).status_code == 200
        assert appointment.parents.get().language == "nl"

        visitor.post(page, {"start": start.isoformat()})

        assert appointment.parents.get().language == "en"
        moved = Notification.objects.get(kind=Kind.MOVED, parent__isnull=False)
        mail = emails.compose(moved, now=NOW)
        assert "Tuesday 1 December 2026" in str(mail.body)
        assert "/en/afspraak/beheer/" in str(mail.body)

    def test_a_language_that_was_chosen_gives_way_to_no_page(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        make_notification(Kind.REMINDER, appointment=appointment, due_at=wall("2026-11-29 10:00"))
        with override("en"):
            choose, switch = manage_link(appointment, "mail_language"), manage_link(appointment, "reminders")
        visitor.post(switch, {"wanted": "no"})
        assert appointment.parents.get().language == "en"

        page = visitor.post(choose, {"language": "nl"}, follow=True)
        assert "Our mails to you are in this language from now on." in text(page)
        visitor.post(switch, {"wanted": "yes"})
        with override("en"):
            visitor.post(manage_link(appointment, "reschedule"), {"start": wall("2026-12-01 11:00").isoformat()})

        parent = appointment.parents.get()
        assert (parent.language, parent.language_chosen) == ("nl", True)
        moved = Notification.objects.get(kind=Kind.MOVED, parent__isnull=False)
        assert "dinsdag 1 december 2026" in str(emails.compose(moved, now=NOW).body)

    def test_the_language_that_it_is_already_can_be_chosen_too(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        with override("en"):
            visitor.post(manage_link(appointment, "mail_language"), {"language": "nl"})
            visitor.post(manage_link(appointment, "family_data"), {"phone": "12"})

        assert appointment.parents.get().language == "nl"

    @pytest.mark.parametrize("language", ["", "xx", "nl\x00", "en" * 50])
    def test_a_language_that_is_none_changes_nothing(
        self, visitor: Client, appointment: Appointment, language: str
    ) -> None:
        response = visitor.post(manage_link(appointment, "mail_language"), {"language": language})

        assert response.status_code == 422
        assert (appointment.parents.get().language, appointment.parents.get().language_chosen) == ("nl", False)

    def test_reminders_are_switched_off_and_on_by_a_button_alone(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        make_notification(Kind.REMINDER, appointment=appointment, due_at=wall("2026-11-29 10:00"))
        path = manage_link(appointment, "reminders")
        assert "zondag 29 november, 10:00" in text(visitor.get(manage_link(appointment)))

        assert visitor.get(path).status_code == 405
        assert appointment.parents.get().wants_reminders
        assert "U krijgt geen herinneringen meer." in text(visitor.post(path, {"wanted": "no"}, follow=True))
        assert not appointment.parents.get().wants_reminders
        page = visitor.post(path, {"wanted": "yes"}, follow=True)

        assert "We herinneren u weer." in text(page)
        assert "zondag 29 november, 10:00" in text(page)
        assert appointment.parents.get().wants_reminders
        done = appointment.history.order_by("pk").values_list("action", flat=True)
        assert list(done) == [Action.REMINDERS_OFF, Action.REMINDERS_ON]

    def test_nobody_fills_the_log_by_pressing_it(
        self, visitor: Client, appointment: Appointment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limits, "LOGGED", replace(rate_limits.LOGGED, most=2))
        path = manage_link(appointment, "reminders")

        pressed = [visitor.post(path, {"wanted": wanted}).status_code for wanted in ("no", "yes", "no", "yes")]

        assert pressed == [302, 302, 429, 429]
        assert appointment.history.count() == 2

    def test_who_has_no_reminder_ahead_has_none_to_switch_off(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        assert "herinneringen" not in text(visitor.get(manage_link(appointment)))

    def test_the_last_reminder_leads_to_where_none_is_left(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        make_notification(
            Kind.REMINDER, appointment=appointment, state=NotificationState.SENT, sent_at=appointment.created_at
        )
        page = visitor.get(manage_link(appointment))

        assert 'id="reminders"' in page.content.decode()
        assert "U krijgt geen herinneringen meer aan deze afspraak." in text(page)
        assert "Ik wil geen herinneringen" not in text(page)

    @pytest.mark.parametrize("wanted", ["", "maybe"])
    def test_an_answer_that_is_none_switches_nothing(
        self, visitor: Client, appointment: Appointment, wanted: str
    ) -> None:
        page = visitor.post(manage_link(appointment, "reminders"), {"wanted": wanted})

        assert page.status_code == 422
        assert "Dit kan niet." in text(page)
        assert appointment.parents.get().wants_reminders

    def test_of_a_cancelled_appointment_nothing_is_switched_or_promised(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        visitor.post(manage_link(appointment, "cancel"))
        page = visitor.post(manage_link(appointment, "reminders"), {"wanted": "no"}, follow=True)

        assert "herinneringen" not in text(page)
        assert appointment.parents.get().wants_reminders

    @pytest.mark.parametrize("name", ["manage", "booked", "reschedule", "cancel", "erase", "calendar_file"])
    def test_no_copy_is_kept_and_no_search_engine_sees_it(
        self, visitor: Client, appointment: Appointment, name: str
    ) -> None:
        response = visitor.get(manage_link(appointment, name))

        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex"
        assert response["Referrer-Policy"] == "same-origin"

    @pytest.mark.parametrize("name", ["manage", "booked", "reschedule", "cancel", "erase", "calendar_file"])
    def test_following_the_link_changes_nothing(
        self, visitor: Client, appointment: Appointment, name: str
    ) -> None:
        before = list(Appointment.objects.values())

        visitor.get(manage_link(appointment, name))
        visitor.head(manage_link(appointment, name))

        assert list(Appointment.objects.values()) == before
        assert not Notification.objects.exists()

    def test_it_moves_after_one_question(self, visitor: Client, appointment: Appointment) -> None:
        page = manage_link(appointment, "reschedule")
        assert "Uw afspraak is op dinsdag 1 december om 10:00 uur." in text(visitor.get(page))
        asked = visitor.get(page, {"start": "2026-12-02T10:00Z"})
        assert "woensdag 2 december 2026 11:00 tot 12:00 uur" in text(asked)

        response = visitor.post(page, {"start": "2026-12-02T10:00Z"}, follow=True)

        appointment.refresh_from_db()
        assert (appointment.start, appointment.sequence) == (wall("2026-12-02 11:00"), 1)
        assert "Uw afspraak is verzet." in response.content.decode()

    def test_what_one_keeps_oneself_does_not_stop_a_move(self, visitor: Client, appointment: Appointment) -> None:
        start = "2026-12-02T10:00Z"
        visitor.post("/afspraak/kiezen/", {"type": "eerste-afspraak", "start": start})
        page = manage_link(appointment, "reschedule")

        assert visitor.get(page, {"start": start}).status_code == 200
        visitor.post(page, {"start": start})

        appointment.refresh_from_db()
        assert appointment.start == wall("2026-12-02 11:00")
        assert not Hold.objects.exists()

    def test_back_after_moving_there_is_nothing_more_to_move(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        page, here = manage_link(appointment, "reschedule"), {"start": "2026-12-01T09:00Z"}

        asked = visitor.get(page, here)
        moved = visitor.post(page, here, follow=True)

        assert asked["Location"] == manage_link(appointment)
        assert "Uw afspraak is verzet" not in text(moved)
        assert not Notification.objects.exists()

    def test_where_its_therapist_no_longer_offers_it_it_moves_to_a_colleague(
        self, visitor: Client, appointment: Appointment, consult: AppointmentType, alice: Therapist
    ) -> None:
        bob = make_therapist(name="Bob", slug="bob")
        make_hours(bob, start="14:00", end="16:00")
        consult.therapists.set([bob])
        page, start = manage_link(appointment, "reschedule"), "2026-12-02T13:00Z"

        assert f'value="{start}"' in visitor.get(page, {"day": "2026-12-02"}).content.decode()
        asked = visitor.get(page, {"start": start})
        assert "Bij Bob" in text(asked)
        assert 'name="therapist" value="bob"' in asked.content.decode()
        visitor.post(page, {"start": start, "therapist": "bob"})

        appointment.refresh_from_db()
        assert (appointment.start, appointment.therapist) == (wall("2026-12-02 14:00"), bob)

    def test_where_nobody_does_it_says_whom_to_call(
        self, visitor: Client, appointment: Appointment, consult: AppointmentType
    ) -> None:
        consult.therapists.clear()

        page = visitor.get(manage_link(appointment, "reschedule"))

        assert "U kunt hier nu geen afspraak maken. Bel dan:" in text(page)
        assert "Alles is bezet" not in text(page)

    @pytest.mark.parametrize("therapist", ["niemand", "\x00", ""])
    def test_a_therapist_who_is_none_is_as_good_as_not_named(
        self, visitor: Client, appointment: Appointment, alice: Therapist, therapist: str
    ) -> None:
        posted = {"start": "2026-12-02T10:00Z", "therapist": therapist}
        visitor.post(manage_link(appointment, "reschedule"), posted)

        appointment.refresh_from_db()
        assert (appointment.start, appointment.therapist) == (wall("2026-12-02 11:00"), alice)

    def test_a_move_onto_a_taken_time_shows_the_free_ones(
        self, visitor: Client, appointment: Appointment, consult: AppointmentType
    ) -> None:
        make_appointment(consult, start="2026-12-02 10:00")
        page = manage_link(appointment, "reschedule")

        for response in (
            visitor.get(page, {"start": "2026-12-02T09:00Z"}),
            visitor.post(page, {"start": "2026-12-02T09:00Z"}),
        ):
            assert response.status_code == 409
            assert "net door iemand anders gekozen" in text(response)
            assert "Alle vrije momenten" in text(response)

    @pytest.mark.parametrize("start", ["", "morgen", "2026-12-02T10:00", "2026-12-02T09:30Z", "9999-12-31T23:59Z"])
    def test_a_move_to_no_time_gets_a_sentence(
        self, visitor: Client, appointment: Appointment, start: str
    ) -> None:
        response = visitor.post(manage_link(appointment, "reschedule"), {"start": start})

        assert response.status_code == 422
        assert "Kies een" in text(response)

    def test_it_cancels_after_one_question_and_only_once(self, visitor: Client, appointment: Appointment) -> None:
        page = manage_link(appointment, "cancel")
        assert "Deze afspraak afzeggen?" in text(visitor.get(page))

        for _ in range(2):
            visitor.post(page, {"reason": "ziek"})

        appointment.refresh_from_db()
        assert (appointment.state, appointment.cancelled_by, appointment.cancel_reason) == (
            State.CANCELLED,
            Actor.PARENT,
            "ziek",
        )
        assert Notification.objects.filter(kind=Kind.CANCELLED, parent__isnull=False).count() == 1
        assert "Maak een nieuwe afspraak" in text(visitor.get(manage_link(appointment)))

    def test_too_late_leads_to_the_phone(self, visitor: Client, appointment: Appointment, clock: Any) -> None:
        clock.move_to(wall("2026-11-30 10:01"))

        assert "U kunt dit hier niet meer wijzigen. Bel de praktijk:" in text(
            visitor.get(manage_link(appointment))
        )
        for name in ("reschedule", "cancel"):
            response = visitor.post(manage_link(appointment, name), {"start": "2026-12-02T10:00Z"})
            assert response.status_code == 409
            assert "U kunt deze afspraak hier niet meer wijzigen." in text(response)

    def test_erasing_cancels_and_ends_the_link(
        self, visitor: Client, appointment: Appointment, clock: Any
    ) -> None:
        assert "zeggen we dan ook af" in text(visitor.get(manage_link(appointment, "erase")))

        response = visitor.post(manage_link(appointment, "erase"), follow=True)

        assert "Uw gegevens worden verwijderd" in text(response)
        erasure.erase_past_term(now=NOW + timedelta(hours=24))
        assert visitor.get(manage_link(appointment)).status_code == 404

    def test_the_calendar_file_is_one(self, visitor: Client, appointment: Appointment) -> None:
        response = visitor.get(manage_link(appointment, "calendar_file"))

        assert response["Content-Type"].startswith("text/calendar")
        assert response.content.startswith(b"BEGIN:VCALENDAR\r\n")

    @pytest.mark.parametrize("token", ["x", "eyJ.0.abc", "a" * 500, "%00", "é"])
    def test_a_dead_link_is_one_neutral_page(self, visitor: Client, token: str) -> None:
        for name in ("beheer", "gemaakt"):
            response = visitor.get(f"/afspraak/{name}/{token}/")
            assert response.status_code == 404
            assert "Deze link werkt niet (meer)" in text(response)

    def test_guessing_is_slowed_down_but_a_good_link_is_not_counted(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        for _ in range(40):
            assert visitor.get(manage_link(appointment)).status_code == 200
        statuses = [visitor.get(f"/afspraak/beheer/guess-{n}/").status_code for n in range(31)]

        assert statuses == [404] * 30 + [429]

    def test_its_own_time_is_not_offered_as_another(self, visitor: Client, appointment: Appointment) -> None:
        response = visitor.get(manage_link(appointment, "reschedule"), {"day": "2026-12-01"})

        assert [time.value for time in response.context["days"][0].times] == [
            "2026-12-01T08:00Z",
            "2026-12-01T10:00Z",
        ]

    @pytest.mark.parametrize("start", ["x", "2026-12-02T10:00", "2026-12-02T09:30Z", "9999-12-31T23:59Z"])
    def test_a_question_about_no_time_gets_a_sentence(
        self, visitor: Client, appointment: Appointment, start: str
    ) -> None:
        response = visitor.get(manage_link(appointment, "reschedule"), {"start": start})

        assert response.status_code == 422
        assert "Kies een" in text(response)

    def test_the_page_that_says_done_promises_no_reminder_that_is_not_owed(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        page = manage_link(appointment, "booked")
        assert "U krijgt nu een mail. " in text(visitor.get(page))
        make_notification(Kind.REMINDER, appointment=appointment)

        assert "en voor de afspraak een herinnering" in text(visitor.get(page))

    def test_the_page_that_says_done_leads_on_once_it_is_no_longer_so(
        self, visitor: Client, appointment: Appointment
    ) -> None:
        visitor.post(manage_link(appointment, "cancel"))

        assert visitor.get(manage_link(appointment, "booked"))["Location"] == manage_link(appointment)
