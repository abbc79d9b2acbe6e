"""A family sees, takes along and puts right what is kept of it; the therapist does it for one that phones."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from booking import erasure, family_data, links, notifications, rate_limits
from booking.models import (
    AccessEntry,
    Action,
    Actor,
    Appointment,
    AppointmentType,
    HistoryEntry,
    Kind,
    Notification,
    NotificationState,
    Parent,
    State,
    Therapist,
)
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_notification,
    make_practice,
    make_type,
    wall,
)
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
RIGHT = {
    "parent_name": "Noor Jansen",
    "phone": "06 87654321",
    "language": "en",
    "child_first_name": "Samira",
    "age_band": "12_15",
    "remark": "",
}


@pytest.fixture(autouse=True)
def clock() -> Any:
    make_practice()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def appointment(alice: Therapist) -> Appointment:
    return make_appointment(make_type(alice), start="2026-12-01 10:00", remark="een geheim")


@pytest.fixture
def family() -> Client:
    return Client(headers={"accept-language": "en"})


def address(appointment: Appointment, name: str = "family_data") -> str:
    token = links.manage_token(Parent.objects.get(appointment=appointment))
    with override("en"):
        return reverse(f"booking:{name}", args=[token])


def answered(family: Client, appointment: Appointment, phone: str = "06 12345678") -> Any:
    return family.post(address(appointment), {"phone": phone})


def seen_of(appointment: Appointment) -> list[tuple[str, str]]:
    found = AccessEntry.objects.filter(appointment=appointment.public_id).order_by("at")
    return [(entry.action, entry.actor) for entry in found]


def posted(page: Any) -> dict[str, str]:
    """What the browser sends of the form on `page` as it stands, hidden fields included."""
    hidden = re.findall(r'name="(initial-[a-z_]+)"(?: value="([^"]*)")?', page.content.decode())
    return {field.html_name: field.value() for field in page.context["form"]} | dict(hidden)


class TestSeeing:
    def test_the_link_alone_shows_nothing_of_the_family(self, family: Client, appointment: Appointment) -> None:
        for name in ("family_data", "correct_data", "download_data"):
            page = family.get(address(appointment, name), follow=True).content.decode()
            assert "Noor" not in page
            assert "een geheim" not in page
        assert family.post(address(appointment, "correct_data"), RIGHT).status_code == 302

        assert Parent.objects.get().name == "Noor de Vries"
        assert seen_of(appointment) == []

    @pytest.mark.parametrize("phone", ["06 12345678", "+31612345678", "0031 6 1234 5678"])
    def test_the_phone_number_opens_it_however_it_is_written(
        self, family: Client, appointment: Appointment, phone: str
    ) -> None:
        assert answered(family, appointment, phone).status_code == 302

        page = text(family.get(address(appointment)))

        for kept in ("Noor de Vries", "noor@example.org", "+31612345678", "Sam", "een geheim"):
            assert kept in page
        assert seen_of(appointment) == [("seen", Actor.PARENT)]

    @pytest.mark.parametrize("phone", ["06 12345679", "nothing", ""])
    def test_another_one_does_not(self, family: Client, appointment: Appointment, phone: str) -> None:
        refused = answered(family, appointment, phone)

        assert refused.status_code == 422
        assert "Noor" not in text(refused)
        assert "Noor" not in text(family.get(address(appointment)))

    def test_guessing_ends_after_five(self, family: Client, appointment: Appointment) -> None:
        for last in range(5):
            assert answered(family, appointment, f"06 1234000{last}").status_code == 422

        assert answered(family, appointment).status_code == 429
        assert seen_of(appointment) == [("refused", Actor.PARENT)] * 5

    def test_nobody_fills_the_log_by_looking(
        self, family: Client, appointment: Appointment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limits, "LOGGED", replace(rate_limits.LOGGED, most=3))
        answered(family, appointment)

        for name in ("family_data", "correct_data", "download_data"):
            assert family.get(address(appointment, name)).status_code == 200
        for name in ("family_data", "correct_data", "download_data"):
            assert family.get(address(appointment, name)).status_code == 429
        assert family.post(address(appointment, "correct_data"), RIGHT).status_code == 429

        assert len(seen_of(appointment)) == 3
        assert Parent.objects.get().name == "Noor de Vries"

    def test_it_is_open_for_a_quarter_of_an_hour_and_to_this_browser(
        self, family: Client, appointment: Appointment, clock: Any
    ) -> None:
        answered(family, appointment)
        other = make_appointment(appointment.appointment_type, start="2026-12-01 14:00")

        assert "Noor" not in text(Client().get(address(appointment)))
        assert "Noor" not in text(family.get(address(other)))
        clock.move_to(NOW + timedelta(minutes=15))
        assert "Noor" not in text(family.get(address(appointment)))

    def test_it_says_what_was_done_even_where_that_is_booking_alone(
        self, family: Client, appointment: Appointment
    ) -> None:
        answered(family, appointment)

        assert "What was done Booked on " in text(family.get(address(appointment)))

    def test_it_leads_there_from_the_appointment(self, family: Client, appointment: Appointment) -> None:
        assert address(appointment) in family.get(address(appointment, "manage")).content.decode()

    def test_no_copy_of_it_is_kept(self, family: Client, appointment: Appointment) -> None:
        answered(family, appointment)

        for name in ("family_data", "correct_data", "download_data"):
            response = family.get(address(appointment, name))
            assert "no-store" in response["Cache-Control"]
            assert response["X-Robots-Tag"] == "noindex"


class TestTakingItAlong:
    def test_the_file_has_all_that_is_kept(self, family: Client, appointment: Appointment) -> None:
        make_notification(Kind.CONFIRMATION, appointment=appointment)
        answered(family, appointment)

        answer = family.get(address(appointment, "download_data"))

        assert answer["Content-Disposition"] == 'attachment; filename="gegevens.json"'
        kept = json.loads(answer.content)
        assert kept["parent"]["email"] == "noor@example.org"
        assert kept["child"] == {"first_name": "Sam", "age_band": "under_12"}
        assert (kept["remark"], kept["appointment"]["state"]) == ("een geheim", "confirmed")
        assert [found["kind"] for found in kept["mails"]] == ["confirmation"]
        assert seen_of(appointment) == [("downloaded", Actor.PARENT)]

    def test_no_column_of_the_family_is_left_out(self, family: Client, appointment: Appointment) -> None:
        parent = {"name", "email", "phone", "language", "language_chosen", "wants_mail", "wants_reminders"}
        about = {
            *(
                "start",
                "end",
                "state",
                "created_at",
                "cancelled_at",
                "cancelled_by",
                "cancel_reason",
                "outcome_at",
            ),
            *("appointment_type", "therapist", "place", "asked_to_move_at", "erase_requested_at"),
        }
        elsewhere = {"child_first_name", "age_band", "remark", "consent_version", "consented_at", "public_id"}
        ours = {
            *("id", "appointment", "booked", "link_version", "email_hash", "phone_hash", "changed_at", "sequence"),
            *("occupied_start", "occupied_end", "idempotency_key", "idempotency_body", "erased_at"),
            # It is in "can_change_until".
            "change_notice",
        }
        Appointment.objects.update(asked_to_move_at=NOW)
        Parent.objects.update(wants_reminders=False)
        answered(family, appointment)

        kept = json.loads(family.get(address(appointment, "download_data")).content)

        columns = [*Appointment._meta.concrete_fields, *Parent._meta.concrete_fields]
        assert {field.name for field in columns} == parent | about | elsewhere | ours
        assert kept["parent"].keys() == parent
        assert kept["appointment"].keys() == about | {"reference", "erased_on", "can_change_until"}
        assert kept["child"].keys() == {"first_name", "age_band"}
        assert kept["consent"].keys() == {"version", "given_at"}
        assert (kept["parent"]["wants_mail"], kept["parent"]["wants_reminders"]) == (True, False)
        assert kept["appointment"]["asked_to_move_at"] == "2026-11-20T11:00:00Z"
        assert kept["appointment"]["erased_on"] == "2026-12-31"

    def test_the_file_says_who_looked(
        self, browsers: dict[str, Client], family: Client, appointment: Appointment
    ) -> None:
        browsers["alice"].get(f"/en/agenda/afspraak/{appointment.public_id}/")
        answered(family, appointment)

        kept = json.loads(family.get(address(appointment, "download_data")).content)

        looks = {(look["action"], look["by"]) for look in kept["looks"]}
        assert looks == {("seen", "therapist"), ("downloaded", "parent")}


class TestTheLanguageOfMails:
    """Chosen in the form, it gives way to no page in another language."""

    @pytest.mark.parametrize("language", ["en", "nl"])
    def test_what_the_form_says_counts_and_not_the_page(
        self, family: Client, appointment: Appointment, language: str
    ) -> None:
        pages = f"/en/afspraak/beheer/{links.manage_token(appointment.parents.get())}"
        assert appointment.parents.get().language == "nl"
        answered(family, appointment)
        Parent.objects.update(language="nl")

        # As the form was opened: with "nl" chosen.
        initial = {"initial-language": "nl", "language": language}
        family.post(f"{pages}/gegevens/verbeteren/", {**RIGHT, **initial})
        assert (Parent.objects.get().language, Parent.objects.get().language_chosen) == (language, True)
        other = {"en": "", "nl": "/en"}[language]
        family.post(f"{other}{pages.removeprefix('/en')}/herinneringen/", {"wanted": "no"})

        assert Parent.objects.get().language == language

    def test_left_as_it_is_and_alone_it_is_no_correction(self, family: Client, appointment: Appointment) -> None:
        answered(family, appointment)
        Parent.objects.update(language="nl")
        page = family.get(address(appointment, "correct_data"))
        as_it_is = {field.html_name: field.value() for field in page.context["form"]}

        family.post(address(appointment, "correct_data"), {**as_it_is, "initial-language": "nl"})

        assert Parent.objects.get().language_chosen
        assert not HistoryEntry.objects.exists()

    def test_a_therapist_who_corrects_something_else_chooses_none(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        path = f"/en/agenda/afspraak/{appointment.public_id}/gegevens/"
        page = browsers["alice"].get(path)
        as_it_is = {field.html_name: field.value() for field in page.context["form"]}
        initial = {f"initial-{name}": value for name, value in as_it_is.items()}

        browsers["alice"].post(path, {**initial, **as_it_is, "parent_name": "Noor Jansen"})
        assert (Parent.objects.get().name, Parent.objects.get().language_chosen) == ("Noor Jansen", False)
        browsers["alice"].post(path, {**initial, **as_it_is, "language": "en"})

        assert (Parent.objects.get().language, Parent.objects.get().language_chosen) == ("en", True)


class TestPuttingItRight:
    def test_of_a_phone_call_the_number_is_the_one_that_is_called(
        self, family: Client, appointment: Appointment
    ) -> None:
        Appointment.objects.update(place="phone")
        answered(family, appointment)

        page = text(family.get(address(appointment, "correct_data")))

        assert "We call you at this number at the time of the appointment." in page
        assert "Only for when something comes up" not in page

    @pytest.mark.engines
    def test_it_is_kept_and_written_down(self, family: Client, appointment: Appointment) -> None:
        answered(family, appointment)

        page = family.post(address(appointment, "correct_data"), RIGHT, follow=True)

        parent = Parent.objects.select_related("appointment").get()
        assert (parent.name, parent.phone, parent.language) == ("Noor Jansen", "+31687654321", "en")
        assert (parent.appointment.child_first_name, parent.appointment.remark) == ("Samira", "")
        assert (parent.email, parent.link_version) == ("noor@example.org", 0)
        assert "Your data are as you filled them in." in text(page)
        assert [done.action for done in HistoryEntry.objects.all()] == [Action.CORRECTED]
        assert (Action.CORRECTED, Actor.PARENT) in seen_of(appointment)
        # By the new number from now on.
        assert answered(Client(), appointment).status_code == 422
        assert answered(Client(), appointment, "06 87654321").status_code == 302

    @pytest.mark.parametrize("field", ["parent_name", "phone", "child_first_name", "age_band", "language"])
    def test_what_cannot_be_gets_a_sentence_and_nothing_typed_is_lost(
        self, family: Client, appointment: Appointment, field: str
    ) -> None:
        answered(family, appointment)

        refused = family.post(address(appointment, "correct_data"), {**RIGHT, field: "\x00"})

        assert refused.status_code == 422
        if field != "parent_name":
            assert "Noor Jansen" in refused.content.decode()
        assert Parent.objects.get().name == "Noor de Vries"

    def test_the_mail_address_is_not_changed_by_the_link(self, family: Client, appointment: Appointment) -> None:
        answered(family, appointment)

        family.post(address(appointment, "correct_data"), {**RIGHT, "email": "mallory@example.org"})

        assert Parent.objects.get().email == "noor@example.org"

    def test_who_is_about_to_be_forgotten_is_not_written_anew(
        self, family: Client, appointment: Appointment
    ) -> None:
        answered(family, appointment)
        erasure.erase(appointment, by=Actor.PARENT, now=NOW)

        refused = family.post(address(appointment, "correct_data"), RIGHT)

        assert refused.status_code in {404, 409}
        assert Parent.objects.get().name != "Noor Jansen"


class TestForAFamilyThatPhones:
    def path(self, appointment: Appointment, last: str = "gegevens/") -> str:
        return f"/en/agenda/afspraak/{appointment.public_id}/{last}"

    @pytest.mark.engines
    def test_another_address_gets_the_confirmation_and_ends_the_old_links(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        old = address(appointment, "manage")

        page = browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "right@example.org"}, follow=True)

        assert "The confirmation goes to the new address." in text(page)
        assert Client().get(old).status_code == 404
        parent = Parent.objects.get()
        mail = Notification.objects.get()
        assert (parent.email, mail.kind, mail.parent) == ("right@example.org", Kind.CONFIRMATION, parent)
        assert mail.state == NotificationState.DUE
        assert HistoryEntry.objects.get().account == browsers_account("alice")

    def test_it_asks_the_therapist_and_not_the_family(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        asked = text(browsers["alice"].get(self.path(appointment)))
        refused = text(browsers["alice"].post(self.path(appointment), {}))

        assert "Name of the parent" in asked
        assert "Please fill in the first name of the child." in refused
        assert "Please fill in the mail address." in refused
        assert not re.search(r"\byour?\b", asked + refused, re.IGNORECASE)

    def test_a_family_without_a_mail_address_can_stay_without_one(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        Parent.objects.update(email="", email_hash="")

        page = browsers["alice"].post(self.path(appointment), {**RIGHT, "email": ""}, follow=True)

        assert "Saved." in text(page)
        assert Parent.objects.get().phone == "+31687654321"
        assert not Notification.objects.exists()

    def test_who_gives_an_address_later_gets_the_reminders_too(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        AppointmentType.objects.update(reminders=["2d", "3h"])
        Parent.objects.update(email="", email_hash="")

        browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "noor@example.org"})

        kinds = Notification.objects.order_by("due_at").values_list("kind", flat=True)
        assert list(kinds) == [Kind.CONFIRMATION, Kind.REMINDER, Kind.REMINDER]

    def test_an_address_that_was_given_up_with_its_key_is_filled_in_again(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        notifications.plan_booked(appointment, zone=AMSTERDAM, now=NOW)
        Parent.objects.update(email="", email_hash="")

        browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "noor@example.org"})

        due = Notification.objects.filter(parent__isnull=False, state=NotificationState.DUE)
        assert sorted(due.values_list("kind", flat=True)) == [Kind.CONFIRMATION, Kind.REMINDER, Kind.REMINDER]

    @pytest.mark.parametrize("was", ["", "noor@example.org"])
    def test_who_wants_no_mail_gets_none_at_another_address_either(
        self, browsers: dict[str, Client], appointment: Appointment, was: str
    ) -> None:
        Parent.objects.update(email=was, email_hash="", wants_mail=False)

        page = browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "right@example.org"}, follow=True)

        assert "to the new address" not in text(page)
        assert Parent.objects.get().email == "right@example.org"
        assert not Notification.objects.exists()

    def test_what_was_mailed_to_the_old_address_goes_to_the_new_one(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        Parent.objects.update(wants_mail=False)
        make_notification(Kind.ASK_TO_MOVE, appointment=appointment, state=NotificationState.SENT, sent_at=NOW)

        browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "right@example.org"})

        assert Notification.objects.filter(kind=Kind.CONFIRMATION).exists()

    def test_what_was_still_to_be_mailed_goes_to_the_right_address_once(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        """What failed for the address is no alarm any more, and nobody gets the same mail twice."""
        for kind, state in (
            (Kind.CONFIRMATION, NotificationState.FAILED),
            (Kind.MOVED, NotificationState.DUE),
            (Kind.ASK_TO_MOVE, NotificationState.FAILED),
        ):
            make_notification(kind, appointment=appointment, state=state, due_at=NOW)

        browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "right@example.org"})

        due = Notification.objects.filter(state=NotificationState.DUE)
        assert sorted(due.values_list("kind", flat=True)) == [Kind.ASK_TO_MOVE, Kind.CONFIRMATION]
        assert not Notification.objects.filter(state=NotificationState.FAILED).exists()

    def test_a_cancellation_that_failed_goes_to_the_right_address(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_notification(Kind.CANCELLED, appointment=appointment, state=NotificationState.FAILED, sequence=1)
        Appointment.objects.update(state=State.CANCELLED, sequence=1, cancelled_at=NOW)

        browsers["alice"].post(self.path(appointment), {**RIGHT, "email": "right@example.org"})

        assert [(mail.kind, mail.state) for mail in Notification.objects.all()] == [
            (Kind.CANCELLED, NotificationState.DUE)
        ]

    def test_a_double_click_is_one_correction(self, appointment: Appointment, alice: Therapist) -> None:
        """Both read what is kept before either writes."""
        Parent.objects.update(email="", email_hash="")
        right = make_family(email="right@example.org")
        clicks = [Parent.objects.select_related("appointment").get() for _ in range(2)]

        mailed = [
            family_data.correct(parent, right, by=Actor.THERAPIST, zone=AMSTERDAM, now=NOW) for parent in clicks
        ]

        assert mailed == [True, False]
        assert Parent.objects.get().link_version == 1
        assert HistoryEntry.objects.count() == 1

    def test_two_who_correct_at_once_do_not_undo_each_other(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        opened = browsers["alice"].get(self.path(appointment))
        hers = posted(opened) | {"parent_name": "Noor Jansen"}
        family = Client()
        answered(family, appointment)
        theirs = posted(family.get(address(appointment, "correct_data"))) | {"phone": "06 87654321"}

        family.post(address(appointment, "correct_data"), theirs)
        browsers["alice"].post(self.path(appointment), hers)

        parent = Parent.objects.get()
        assert (parent.name, parent.phone) == ("Noor Jansen", "+31687654321")

    def test_what_is_refused_still_knows_what_it_was_opened_with(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        opened = posted(browsers["alice"].get(self.path(appointment)))
        refused = browsers["alice"].post(self.path(appointment), opened | {"parent_name": ""})
        Parent.objects.update(phone="+31687654321")

        browsers["alice"].post(self.path(appointment), posted(refused) | {"parent_name": "Noor Jansen"})

        assert Parent.objects.get().phone == "+31687654321"

    def test_what_stays_as_it_is_writes_nothing(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        browsers["alice"].post(self.path(appointment), posted(browsers["alice"].get(self.path(appointment))))

        assert not HistoryEntry.objects.exists()

    def test_the_file_is_hers_to_hand_over(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        answer = browsers["alice"].get(self.path(appointment, "gegevens.json"))

        assert json.loads(answer.content)["parent"]["name"] == "Noor de Vries"
        assert seen_of(appointment) == [("downloaded", Actor.THERAPIST)]

    @pytest.mark.parametrize("last", ["gegevens/", "gegevens.json"])
    def test_what_was_erased_is_not_there(
        self, browsers: dict[str, Client], appointment: Appointment, last: str
    ) -> None:
        Appointment.objects.filter(pk=appointment.pk).update(erased_at=NOW)

        assert browsers["alice"].get(self.path(appointment, last)).status_code == 404


def browsers_account(name: str) -> Any:
    return Therapist.objects.get(slug=name).user


class TestWhatNoKeyReads:
    """One row under a lost key: its form keeps what is there for when the key is back."""

    @pytest.fixture
    def lost(self, appointment: Appointment, settings: Any) -> tuple[dict[str, str], list[str]]:
        """The parent as stored, and the keys that read it."""
        kept, settings.FIELD_KEYS = settings.FIELD_KEYS, [Fernet.generate_key().decode()]
        parent = Parent.objects.get()
        return {"email_hash": parent.email_hash, "phone_hash": parent.phone_hash}, kept

    def test_saved_as_it_is_it_stays(
        self, browsers: dict[str, Client], appointment: Appointment, lost: Any, settings: Any
    ) -> None:
        path = f"/en/agenda/afspraak/{appointment.public_id}/gegevens/"
        opened = browsers["alice"].get(path)
        form = opened.context["form"]
        assert "(unreadable)" not in str(form)
        fields = {bound.html_name: bound.value() or "" for bound in form}
        fields |= {bound.html_initial_name: bound.value() or "" for bound in form}

        saved = browsers["alice"].post(path, {**fields, "age_band": "12_15"})

        assert saved.status_code == 302
        settings.FIELD_KEYS = [*settings.FIELD_KEYS, *lost[1]]
        parent = Parent.objects.get()
        assert (parent.name, parent.email, parent.phone) == (
            "Noor de Vries",
            "noor@example.org",
            "+31612345678",
        )
        assert Parent.objects.values("email_hash", "phone_hash").get() == lost[0]
        appointment.refresh_from_db()
        assert (appointment.age_band, appointment.remark) == ("12_15", "een geheim")

    def test_what_is_typed_takes_its_place(
        self, browsers: dict[str, Client], appointment: Appointment, lost: Any
    ) -> None:
        path = f"/en/agenda/afspraak/{appointment.public_id}/gegevens/"

        saved = browsers["alice"].post(path, {**RIGHT, "email": "iris@example.org"})

        assert saved.status_code == 302
        parent = Parent.objects.get()
        assert (parent.name, parent.email, parent.phone) == ("Noor Jansen", "iris@example.org", "+31687654321")
        assert parent.email_hash != lost[0]["email_hash"]
