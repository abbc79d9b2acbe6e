from datetime import date, time, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from booking import diary, free_time
from booking.models import AppointmentType, Therapist
from tests.booking.accounts import PASSWORD
from tests.booking.factories import AMSTERDAM, make_practice, wall

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")


class TestCreateTherapist:
    @pytest.fixture(autouse=True)
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Someone at the keyboard who types a good password."""
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("booking.management.commands.create_therapist.getpass", lambda prompt: PASSWORD)

    def create(self, **options: Any) -> str:
        out = StringIO()
        call_command("create_therapist", email="Alice@Praktijk.example", name="Alice Bos", stdout=out, **options)
        return out.getvalue()

    def test_she_can_sign_in_and_be_booked(self) -> None:
        self.create()

        alice = Therapist.objects.get()
        assert (alice.name, alice.slug, alice.email, alice.active) == (
            "Alice Bos",
            "alice-bos",
            "alice@praktijk.example",
            True,
        )
        assert alice.user is not None
        assert alice.user.check_password(PASSWORD)
        assert not alice.user.is_staff

    def test_a_manager_gets_into_the_admin(self) -> None:
        self.create(manager=True, slug="alice")

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (True, True)
        assert Therapist.objects.get().slug == "alice"

    def test_a_password_is_made_where_none_is_typed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("booking.management.commands.create_therapist.getpass", lambda prompt: "")

        made = self.create().split("Password: ")[1].strip()

        assert len(made) >= 16
        assert User.objects.get().check_password(made)

    def test_without_a_keyboard_one_is_made_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

        assert "Password: " in self.create()

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"email": "alice"}, "not complete"),
            ({"email": "a" * 250 + "@x.nl"}, "too long"),
            ({"name": ""}, "name: This field cannot be blank"),
            ({"name": "x" * 101, "slug": "x"}, "at most 100 characters"),
            ({"slug": "not a slug"}, "Enter a valid “slug”"),
        ],
    )
    def test_what_cannot_be_is_said_and_leaves_nothing(self, options: dict[str, str], sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence):
            call_command("create_therapist", **{"email": "alice@praktijk.example", "name": "Alice", **options})

        assert not User.objects.exists()
        assert not Therapist.objects.exists()

    def test_a_weak_password_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("booking.management.commands.create_therapist.getpass", lambda prompt: "kort")

        with pytest.raises(CommandError, match="too short"):
            self.create()

    def test_an_address_has_one_account(self) -> None:
        self.create()

        with pytest.raises(CommandError, match="There is already an account with this mail address"):
            call_command("create_therapist", email="alice@praktijk.example", name="Another Alice")


class TestLoadDemo:
    @pytest.fixture(autouse=True)
    def demo(self, settings: Any) -> Any:
        settings.DEMO, settings.DEMO_EMAIL, settings.DEMO_PASSWORD = (
            True,
            "therapeut@demo.example",
            "only for a demo",
        )
        make_practice()
        with time_machine.travel(NOW, tick=False) as traveller:
            yield traveller

    def load(self) -> None:
        call_command("load_demo", verbosity=0)

    def test_the_first_consult_can_be_booked(self) -> None:
        self.load()

        first_consult = AppointmentType.objects.get(slug="eerste-afspraak")
        assert (first_consult.duration, first_consult.reminders) == (timedelta(hours=1), ["2d", "3h"])
        slot = free_time.free_slots(
            first_consult, *free_time.booking_days(first_consult, zone=AMSTERDAM, now=NOW), zone=AMSTERDAM, now=NOW
        )[0]
        assert slot is not None
        assert (slot.start, slot.therapist.slug) == (wall("2026-11-23 09:00"), "demo-therapeut")

    def test_the_wednesday_comes_every_other_week(self) -> None:
        self.load()

        hours = diary.working_hours(Therapist.objects.get(), AMSTERDAM)
        assert [(h.start, h.first_day) for h in hours if h.every_weeks == 2] == [
            (time(18, 30), date(2026, 11, 25))
        ]

    def test_the_therapist_signs_in_with_what_is_printed(self) -> None:
        self.load()

        login = {"login": "therapeut@demo.example", "password": "only for a demo"}
        assert Client().post("/account/login/", login)["Location"] == "/agenda/"

    def test_it_offers_a_first_consultation_and_a_telephone_call(self) -> None:
        self.load()

        offered = [(found.slug, found.duration_minutes, found.place) for found in AppointmentType.objects.all()]
        assert offered == [("eerste-afspraak", 60, "practice"), ("telefoongesprek", 15, "phone")]

    def test_a_second_time_keeps_what_was_changed(self) -> None:
        self.load()
        therapist = Therapist.objects.get()
        for hours in diary.working_hours(therapist, AMSTERDAM):
            assert hours.id is not None
            diary.end_working_hours(therapist, hours.id, hours.first_day, AMSTERDAM)
        AppointmentType.objects.update(duration=timedelta(minutes=45))

        self.load()

        assert diary.working_hours(therapist, AMSTERDAM) == []
        assert {found.duration for found in AppointmentType.objects.all()} == {timedelta(minutes=45)}
        assert User.objects.count() == Therapist.objects.count() == 1

    def test_elsewhere_than_in_a_demo_nothing_is_made_up(self, settings: Any) -> None:
        settings.DEMO = False

        with pytest.raises(CommandError, match="This is not a demo"):
            self.load()
        assert not Therapist.objects.exists()

    def test_without_a_password_it_says_what_is_missing(self, settings: Any) -> None:
        settings.DEMO_PASSWORD = ""

        with pytest.raises(CommandError, match="DEMO_PASSWORD"):
            self.load()

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [("DEMO_PASSWORD", "kort", "too short"), ("DEMO_EMAIL", "nobody", "not complete")],
    )
    def test_what_nobody_could_sign_in_with_gets_a_sentence(
        self, settings: Any, name: str, value: str, said: str
    ) -> None:
        setattr(settings, name, value)

        with pytest.raises(CommandError, match=said):
            self.load()
