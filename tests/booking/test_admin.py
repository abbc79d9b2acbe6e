"""The manager's back room. Bob is the manager, Alice a therapist."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from booking import accounts, diary, feed, free_time, links
from booking.intervals import Interval
from booking.models import (
    Appointment,
    AppointmentType,
    FeedDetail,
    Hold,
    Kind,
    Notification,
    Parent,
    State,
    Therapist,
)
from practice.models import Practice
from tests.booking.accounts import PASSWORD, code, make_account, signed_in
from tests.booking.factories import (
    make_appointment,
    make_hours,
    make_notification,
    make_practice,
    make_therapist,
    make_type,
    wall,
)

pytestmark = pytest.mark.django_db

FAMILY = ["Noor", "noor@example.org", "612345678", "Sam", "slaapt slecht", "ziek geworden"]


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    return make_therapist(name="Alice", slug="alice", user=make_account("alice@praktijk.example"))


@pytest.fixture
def bob(alice: Therapist) -> Client:
    return signed_in(make_account("bob@praktijk.example", manager=True))


@pytest.fixture
def appointment(alice: Therapist) -> Appointment:
    return make_appointment(make_type(alice), remark="slaapt slecht", cancel_reason="ziek geworden")


class TestWhoGetsIn:
    def test_the_manager_does(self, bob: Client) -> None:
        assert bob.get("/en/beheer/").status_code == 200

    def test_a_therapist_does_not(self, alice: Therapist) -> None:
        assert alice.user is not None
        hers = signed_in(alice.user)

        assert hers.get("/en/beheer/", follow=True).status_code == 403
        assert hers.get("/en/beheer/booking/appointment/", follow=True).status_code == 403

    def test_a_stranger_signs_in_by_our_page(self, alice: Therapist) -> None:
        response = Client().get("/en/beheer/booking/therapist/", follow=True)

        assert response.redirect_chain[-1][0].startswith("/en/account/login/?next=")

    def test_the_admins_own_login_form_lets_nobody_in(self, alice: Therapist) -> None:
        make_account("bob@praktijk.example", manager=True)
        visitor = Client()

        visitor.post("/en/beheer/login/", {"username": "bob@praktijk.example", "password": PASSWORD})

        assert visitor.get("/en/beheer/").status_code == 302

    def test_without_a_second_factor_one_is_set_up_first(self, alice: Therapist) -> None:
        manager = signed_in(make_account("bob@praktijk.example", manager=True, second_factor=False))

        response = manager.get("/en/beheer/", follow=True)

        assert [path for path, _ in response.redirect_chain][-1].startswith("/en/account/")
        assert manager.get("/en/beheer/booking/therapist/").status_code == 302


class TestWhatIsThere:
    def test_only_what_a_manager_may_touch(self, bob: Client) -> None:
        registered = {model._meta.label for model in admin.site._registry}

        assert registered == {
            "auth.User",
            "booking.Appointment",
            "booking.AppointmentType",
            "booking.Notification",
            "booking.Therapist",
            "practice.Page",
            "practice.Picture",
            "practice.Practice",
        }

    @pytest.mark.parametrize("model", ["appointment", "notification"])
    def test_appointments_and_mails_are_only_looked_at(
        self, bob: Client, appointment: Appointment, model: str
    ) -> None:
        mail = make_notification(appointment=appointment)
        pk = appointment.pk if model == "appointment" else mail.pk
        base = f"/en/beheer/booking/{model}/"

        assert bob.get(f"{base}{pk}/change/").status_code == 200
        assert bob.post(f"{base}{pk}/change/", {"state": State.CANCELLED}).status_code == 403
        assert bob.get(f"{base}add/").status_code == 403
        assert bob.post(f"{base}{pk}/delete/", {"post": "yes"}).status_code == 403
        bob.post(base, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
        assert Appointment.objects.get().state == State.CONFIRMED
        assert Notification.objects.count() == 1

    @pytest.mark.parametrize("model", ["appointment", "notification"])
    @pytest.mark.parametrize(
        "query",
        ["start__year=9999", "due_at__year=9999", "start__year=0", "start__year=x", "p=99", "o=99", "q=%00"],
    )
    def test_an_address_that_cannot_be_leads_to_the_list(
        self, bob: Client, appointment: Appointment, model: str, query: str
    ) -> None:
        assert bob.get(f"/en/beheer/booking/{model}/?{query}", follow=True).status_code == 200

    def test_its_labels_are_in_the_readers_language(self, bob: Client, appointment: Appointment) -> None:
        page = bob.get(f"/beheer/booking/appointment/{appointment.pk}/change/").content.decode()

        for english in ("Public id", "Cancelled at", "Cancelled by", "Erased at"):
            assert english not in page

    def test_they_lead_to_the_agenda(self, bob: Client, appointment: Appointment) -> None:
        mail = make_notification(appointment=appointment)
        link = f'href="/en/agenda/afspraak/{appointment.public_id}/"'

        for path in ("appointment/", f"appointment/{appointment.pk}/change/", "notification/"):
            assert link in bob.get(f"/en/beheer/booking/{path}").content.decode()
        assert link in bob.get(f"/en/beheer/booking/notification/{mail.pk}/change/").content.decode()

    def test_no_family_is_named_anywhere(self, bob: Client, appointment: Appointment) -> None:
        mail = make_notification(appointment=appointment)
        base = "/en/beheer/booking/"
        paths = [
            "appointment/",
            f"appointment/{appointment.pk}/change/",
            f"appointment/{appointment.pk}/history/",
            "notification/",
            f"notification/{mail.pk}/change/",
            f"appointmenttype/{appointment.appointment_type.pk}/delete/",
        ]

        for path in paths:
            page = bob.get(base + path).content.decode()
            assert [word for word in FAMILY if word in page] == [], path
        assert bob.get(base + "appointment/?q=Noor").context["cl"].result_count == 0

    def test_no_name_of_a_family_is_in_the_words_for_a_row(self, appointment: Appointment) -> None:
        parent = Parent.objects.get()
        hold = Hold(pk=7)
        mail = make_notification(appointment=appointment)

        for row in (appointment, parent, hold, mail):
            assert [word for word in FAMILY if word in f"{row} {row!r}"] == []


class TestChanging:
    TYPE = {
        "name_nl": "Telefonisch gesprek",
        "name_en": "Phone call",
        "description_nl": "",
        "description_en": "",
        "duration": "15",
        "step": "15",
        "buffer_before": "0",
        "buffer_after": "0",
        "minimum_notice": "24",
        "change_notice": "24",
        "horizon_days": "60",
        "place": "phone",
        "visible": "on",
        "slug": "telefoon",
        "position": "1",
    }

    def test_a_type_is_added_in_plain_numbers_and_logged_by_its_name(self, bob: Client, alice: Therapist) -> None:
        assert bob.get("/en/beheer/booking/appointmenttype/add/").status_code == 200

        response = bob.post("/en/beheer/booking/appointmenttype/add/", {**self.TYPE, "therapists": [alice.pk]})

        assert response.status_code == 302, response.context["adminform"].form.errors
        call = AppointmentType.objects.get()
        assert (call.slug, call.duration_minutes, call.reminders) == ("telefoon", 15, [])
        assert LogEntry.objects.get().object_repr == "Phone call"

    def test_a_therapist_is_changed_but_never_deleted(self, bob: Client, alice: Therapist) -> None:
        data = {"name": "Alice", "slug": "alice", "email": "a@praktijk.example", "language": "en", "active": ""}

        bob.post(f"/en/beheer/booking/therapist/{alice.pk}/change/", data)

        alice.refresh_from_db()
        assert (alice.email, alice.language, alice.active) == ("a@praktijk.example", "en", False)
        assert bob.post(f"/en/beheer/booking/therapist/{alice.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_who_left_is_not_made_bookable(self, bob: Client, alice: Therapist) -> None:
        accounts.set_open(User.objects.get(therapist=alice), open=False)
        data = {"name": "Alice", "slug": "alice", "email": "a@praktijk.example", "language": "en", "active": "on"}

        answer = bob.post(f"/en/beheer/booking/therapist/{alice.pk}/change/", data | {"user": alice.user_id})

        assert "The account is closed. Open it first." in answer.content.decode()
        alice.refresh_from_db()
        assert not alice.active

    def test_an_unknown_language_is_refused(self, bob: Client, alice: Therapist) -> None:
        data = {"name": "Alice", "slug": "alice", "email": "a@praktijk.example", "language": "xx", "active": "on"}

        assert bob.post(f"/en/beheer/booking/therapist/{alice.pk}/change/", data).status_code == 200
        alice.refresh_from_db()
        assert alice.language == "nl"


class TestTheTimeZone:
    """Working hours are kept as moments, and read on the clocks of the zone: in another one they would shift."""

    PATH = "/en/beheer/practice/practice/1/change/"

    def change(self, bob: Client) -> Any:
        initial = bob.get(self.PATH).context["adminform"].form.initial
        typed = {name: value for name, value in initial.items() if isinstance(value, str)}
        texts = {"description_nl": "Kindertherapie", "description_en": "", "first_consult_nl": ""}
        data = {**typed, **texts, "first_consult_en": "", "phone": "06 51001943", "time_zone": "Europe/London"}
        return bob.post(self.PATH, {**data, "city": "Eindhoven"})

    def test_it_is_chosen_before_there_is_a_diary(self, bob: Client) -> None:
        response = self.change(bob)

        assert response.status_code == 302, response.context["adminform"].form.errors
        assert Practice.load().time_zone == "Europe/London"

    @pytest.mark.parametrize("there_is", ["working hours", "time off", "an appointment"])
    def test_once_there_is_one_it_stays(self, bob: Client, alice: Therapist, there_is: str) -> None:
        if there_is == "working hours":
            make_hours(alice)
        elif there_is == "time off":
            diary.add_time_off(alice, Interval(wall("2026-12-01 00:00"), wall("2026-12-02 00:00")))
        else:
            make_appointment(make_type(alice))

        response = self.change(bob)

        form = response.context["adminform"].form
        assert list(form.errors) == ["time_zone"]
        assert "The time zone stays" in response.content.decode()
        assert form["city"].value() == "Eindhoven"
        assert Practice.load().time_zone == "Europe/Amsterdam"

    def test_the_rest_of_the_practice_can_be_changed(self, bob: Client, alice: Therapist) -> None:
        make_hours(alice)
        initial = bob.get(self.PATH).context["adminform"].form.initial
        typed = {name: value for name, value in initial.items() if isinstance(value, str)}
        texts = {"description_nl": "x", "description_en": "", "first_consult_nl": "", "first_consult_en": ""}

        response = bob.post(self.PATH, {**typed, **texts, "phone": "06 51001943", "city": "Eindhoven"})

        assert response.status_code == 302, response.context["adminform"].form.errors
        assert Practice.load().city == "Eindhoven"


class TestReminders:
    """When the practice reminds, unless a type says otherwise."""

    PATH = TestTheTimeZone.PATH

    def test_a_manager_chooses_what_a_new_type_opens_with(self, bob: Client, alice: Therapist) -> None:
        existing = make_type(alice, reminders=["3h"])
        form = bob.get(self.PATH).context["adminform"].form
        assert form["reminders"].value() == ["2d", "3h"]
        typed = {name: value for name, value in form.initial.items() if isinstance(value, str)}
        texts = {"description_nl": "x", "description_en": "", "first_consult_nl": "", "first_consult_en": ""}

        response = bob.post(self.PATH, {**typed, **texts, "phone": "06 51001943", "reminders": ["7d", "1d"]})

        assert response.status_code == 302, response.context["adminform"].form.errors
        assert Practice.load().reminders == ["7d", "1d"]
        added = bob.get("/en/beheer/booking/appointmenttype/add/").context["adminform"].form
        assert added["reminders"].value() == ["7d", "1d"]
        existing.refresh_from_db()
        assert existing.reminders == ["3h"]

    @pytest.mark.parametrize("reminders", [["0d"], ["x"], ["2d", "99999h"]])
    def test_what_is_no_moment_is_refused(self, bob: Client, alice: Therapist, reminders: list[str]) -> None:
        response = bob.post(self.PATH, {"reminders": reminders})

        assert "reminders" in response.context["adminform"].form.errors


class TestAccounts:
    @pytest.fixture(autouse=True)
    def nothing_counted(self) -> None:
        """No tries, and no codes that were shown already."""
        cache.clear()

    def test_a_new_one_is_known_by_its_address(self, bob: Client) -> None:
        data = {"email": "New@Praktijk.example", "password1": PASSWORD, "password2": PASSWORD, "is_staff": ""}

        response = bob.post("/en/beheer/auth/user/add/", data)

        assert response.status_code == 302, response.context["adminform"].form.errors
        user = User.objects.get(username="new@praktijk.example")
        assert (user.email, user.is_staff, user.is_superuser) == ("new@praktijk.example", False, False)
        login = {"login": "new@praktijk.example", "password": PASSWORD}
        assert Client().post("/en/account/login/", login).status_code == 302

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            ({"email": ""}, "Please fill in a mail address"),
            ({"email": "Alice@praktijk.example"}, "There is already an account with this mail address."),
            ({"email": "alice\u200e@praktijk.example."}, "There is already an account with this mail address."),
            ({"email": '"alice"@praktijk.example'}, "without quotation marks"),
            ({"password2": "something else entirely"}, "password fields didn’t match"),
            ({"password1": "kort", "password2": "kort"}, "too short"),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(self, bob: Client, data: dict[str, str], sentence: str) -> None:
        form = {"email": "new@praktijk.example", "password1": PASSWORD, "password2": PASSWORD, **data}

        assert sentence in bob.post("/en/beheer/auth/user/add/", form).content.decode()
        assert User.objects.count() == 2

    def test_whoever_is_made_manager_has_every_right(self, bob: Client, alice: Therapist) -> None:
        data: dict[str, Any] = {"email": "alice.bos@praktijk.example", "is_active": "on", "is_staff": "on"}

        response = bob.post(f"/en/beheer/auth/user/{alice.user_id}/change/", data)

        assert response.status_code == 302, response.context["adminform"].form.errors
        user = User.objects.get(therapist=alice)
        assert (user.username, user.is_superuser) == ("alice.bos@praktijk.example", True)

    def test_who_is_closed_here_is_out_at_once_and_cannot_be_booked(self, bob: Client, alice: Therapist) -> None:
        consult = make_type(alice)
        make_hours(alice)
        feed.turn_on(alice, FeedDetail.NAMES)
        hers = Client(headers={"accept-language": "en"})
        hers.post("/en/account/login/", {"login": "alice@praktijk.example", "password": PASSWORD})
        hers.post("/en/account/2fa/authenticate/", {"code": code()})
        assert UserSession.objects.filter(user=alice.user_id).exists()
        assert list(free_time.offering(consult)) == [alice]

        response = bob.post(f"/en/beheer/auth/user/{alice.user_id}/change/", {"email": "alice@praktijk.example"})

        assert response.status_code == 302, response.context["adminform"].form.errors
        alice.refresh_from_db()
        assert not User.objects.get(therapist=alice).is_active
        assert list(free_time.offering(consult)) == []
        assert not alice.feed_on
        assert not User.objects.get(therapist=alice).has_usable_password()
        assert not UserSession.objects.filter(user=alice.user_id).exists()

    def test_who_is_opened_again_signs_in_and_is_not_booked_yet(self, bob: Client, alice: Therapist) -> None:
        assert alice.user is not None
        accounts.set_open(alice.user, open=False)
        data = {"email": "alice@praktijk.example", "is_active": "on"}

        assert bob.post(f"/en/beheer/auth/user/{alice.user_id}/change/", data).status_code == 302

        alice.refresh_from_db()
        assert User.objects.get(therapist=alice).is_active
        assert not alice.active
        # By a password of her own choice, as somebody new: that of before is gone.
        assert Notification.objects.get().kind == Kind.PASSWORD_LINK

    @pytest.mark.parametrize("other", [True, False], ids=["another account", "no account"])
    def test_whoever_had_the_account_of_a_therapist_reads_her_feed_no_more(
        self, bob: Client, alice: Therapist, other: bool
    ) -> None:
        feed.turn_on(alice, FeedDetail.NAMES)
        address = links.feed_url(alice)
        data: dict[str, Any] = {"name": "Alice", "slug": "alice", "email": alice.email, "language": "nl"}
        data["user"] = make_account("erin@praktijk.example").pk if other else ""

        assert bob.post(f"/en/beheer/booking/therapist/{alice.pk}/change/", data).status_code == 302

        assert Client().get(address).status_code == 404

    @pytest.mark.parametrize(
        ("notices_to", "then"),
        [("alice@praktijk.example", "new@praktijk.example"), ("alice@thuis.example", "alice@thuis.example")],
        ids=["one address for both", "another for her notices"],
    )
    def test_another_address_to_sign_in_with_takes_her_mail_along_where_it_was_the_same(
        self, bob: Client, alice: Therapist, notices_to: str, then: str
    ) -> None:
        Therapist.objects.update(email=notices_to)
        data = {"email": "New@praktijk.example", "is_active": "on"}

        assert bob.post(f"/en/beheer/auth/user/{alice.user_id}/change/", data).status_code == 302

        alice.refresh_from_db()
        assert alice.user is not None
        assert (alice.user.username, alice.user.email) == ("new@praktijk.example", "new@praktijk.example")
        assert alice.email == then

    def test_the_last_manager_stays_one(self, bob: Client) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        data = {"email": "robert@praktijk.example", "is_active": "on"}

        response = bob.post(f"/en/beheer/auth/user/{user.pk}/change/", data)

        form = response.context["adminform"].form
        assert response.status_code == 200
        assert form.errors == {
            "is_staff": ["Somebody must manage the practice: make someone else a manager first."]
        }
        assert (form["email"].value(), form["is_staff"].value()) == ("robert@praktijk.example", False)
        user.refresh_from_db()
        assert (user.email, user.is_staff) == ("bob@praktijk.example", True)

    def test_of_two_managers_one_can_stop(self, bob: Client) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        make_account("erin@praktijk.example", manager=True)

        bob.post(f"/en/beheer/auth/user/{user.pk}/change/", {"email": user.email, "is_active": "on"})

        user.refresh_from_db()
        assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)

    def test_nobody_shuts_oneself_out(self, bob: Client) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        make_account("erin@praktijk.example", manager=True)

        page = bob.get(f"/en/beheer/auth/user/{user.pk}/change/")
        assert "is_active" not in page.context["adminform"].form.fields
        bob.post(f"/en/beheer/auth/user/{user.pk}/change/", {"email": user.email, "is_staff": "on"})
        assert bob.post(f"/en/beheer/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
        bob.post(
            "/en/beheer/auth/user/",
            {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"},
        )

        user.refresh_from_db()
        assert (user.is_active, user.is_staff) == (True, True)

    def test_a_lost_phone_is_helped_by_removing_the_second_step(self, bob: Client, alice: Therapist) -> None:
        data = {"action": "remove_second_factor", "_selected_action": [alice.user_id]}
        # Whoever holds the phone may be signed in on it.
        hers = Client(headers={"accept-language": "en"})
        hers.post("/en/account/login/", {"login": "alice@praktijk.example", "password": PASSWORD})
        hers.post("/en/account/2fa/authenticate/", {"code": code()})
        assert hers.get("/en/agenda/").status_code == 200

        response = bob.post("/en/beheer/auth/user/", data, follow=True)

        assert "/account/login/" in hers.get("/en/agenda/").headers["Location"]
        assert "1 account sets up its second step anew" in response.content.decode()
        assert not Authenticator.objects.filter(user=alice.user_id).exists()
        assert Authenticator.objects.exists()

    def test_the_own_password_is_changed_where_the_old_one_is_asked_for(self, bob: Client) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        address, new = f"/en/beheer/auth/user/{user.pk}/password/", "een ander lang wachtwoord"

        for response in (bob.get(address), bob.post(address, {"password1": new, "password2": new})):
            assert response.headers["Location"] == "/en/account/password/change/"

        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    def test_the_own_second_step_is_removed_where_one_is_asked_who_one_is(
        self, bob: Client, alice: Therapist
    ) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        data = {"action": "remove_second_factor", "_selected_action": [user.pk, alice.user_id]}

        bob.post("/en/beheer/auth/user/", data)

        assert Authenticator.objects.filter(user=user).exists()
        assert not Authenticator.objects.filter(user=alice.user_id).exists()

    def test_another_own_address_asks_who_one_is(self, bob: Client) -> None:
        user = User.objects.get(email="bob@praktijk.example")
        address = f"/en/beheer/auth/user/{user.pk}/change/"

        asked = bob.post(address, {"email": "thief@praktijk.example", "is_staff": "on"})

        assert asked.headers["Location"].startswith("/en/account/reauthenticate/")
        user.refresh_from_db()
        assert user.email == "bob@praktijk.example"
        # What he asked for is then done at once.
        bob.post(asked.headers["Location"], {"password": PASSWORD})
        user.refresh_from_db()
        assert (user.email, user.username) == ("thief@praktijk.example",) * 2
