"""What can be booked. Alice and Charlie are therapists, Bob is the manager."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from booking.forms.types import AppointmentTypeForm
from booking.models import AppointmentType, Therapist
from practice.models import Practice
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    make_appointment,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.views.reading import dead_ends, text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")


@pytest.fixture(autouse=True)
def clock(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    return make_therapist(name="Alice", slug="alice", user=make_account("alice@praktijk.example"))


@pytest.fixture
def charlie(alice: Therapist) -> Therapist:
    return make_therapist(name="Charlie", slug="charlie", user=make_account("charlie@praktijk.example"))


@pytest.fixture
def hers(alice: Therapist) -> Client:
    assert alice.user is not None
    return signed_in(alice.user)


@pytest.fixture
def bob(alice: Therapist) -> Client:
    return signed_in(make_account("bob@praktijk.example", manager=True))


class TestAppointmentTypes:
    FORM = {
        "name_nl": "Eerste afspraak",
        "name_en": "First consultation",
        "description_nl": "",
        "description_en": "",
        "duration": "45",
        "step": "15",
        "buffer_before": "5",
        "buffer_after": "10",
        "minimum_notice": "48",
        "change_notice": "12",
        "horizon_days": "30",
        "most_per_day": "",
        "most_per_week": "4",
        "place": "phone",
        "video_url": "",
        "position": "3",
        "reminders": ["1d", "2h"],
    }

    @pytest.fixture
    def consult(self, alice: Therapist) -> AppointmentType:
        return make_type(alice, slug="consult")

    def test_a_new_one_opens_with_the_reminders_of_the_practice(self, hers: Client, bob: Client) -> None:
        for visitor in (hers, bob):
            page = visitor.get("/en/agenda/soorten/nieuw/")
            assert page.context["form"]["reminders"].value() == ["2d", "3h"]

        Practice.objects.update(reminders=["5d", "1h"])

        page = hers.get("/en/agenda/soorten/nieuw/")
        assert page.context["form"]["reminders"].value() == ["5d", "1h"]
        assert [one.data["label"] for one in page.context["form"]["reminders"] if one.data["selected"]] == [
            "5 days before",
            "1 hour before",
        ]

    def test_none_can_be_ticked_all_the_same_and_others_stay_as_they_are(
        self, hers: Client, consult: AppointmentType
    ) -> None:
        hers.post("/en/agenda/soorten/nieuw/", {**self.FORM, "name_nl": "Zonder", "reminders": []})
        Practice.objects.update(reminders=["7d"])

        assert AppointmentType.objects.get(slug="zonder").reminders == []
        assert hers.get("/en/agenda/soorten/consult/").context["form"]["reminders"].value() == ["2d", "3h"]

    def test_everything_is_said_in_plain_numbers(self, hers: Client, consult: AppointmentType) -> None:
        response = hers.post("/en/agenda/soorten/consult/", self.FORM)

        assert response.status_code == 302
        consult = AppointmentType.objects.get()
        assert (consult.duration, consult.step) == (timedelta(minutes=45), timedelta(minutes=15))
        assert (consult.buffer_before, consult.buffer_after) == (timedelta(minutes=5), timedelta(minutes=10))
        assert (consult.minimum_notice, consult.change_notice) == (timedelta(hours=48), timedelta(hours=12))
        assert (consult.horizon_days, consult.most_per_day, consult.most_per_week) == (30, None, 4)
        assert (consult.place, consult.reminders, consult.visible) == ("phone", ["1d", "2h"], False)
        assert consult.name == {"nl": "Eerste afspraak", "en": "First consultation"}
        assert [therapist.name for therapist in consult.therapists.all()] == ["Alice"]

    def test_the_form_opens_with_what_is(self, hers: Client, consult: AppointmentType) -> None:
        AppointmentType.objects.update(reminders=["5d"], minimum_notice=timedelta(days=2))

        page = hers.get("/en/agenda/soorten/consult/")

        form = page.context["form"]
        assert (form["duration"].value(), form["minimum_notice"].value()) == (60, 48)
        assert ("5d", "5 days before") in form.fields["reminders"].choices

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name_nl": ""}, "name"),
            ({"name_nl": "x" * 101}, "name"),
            ({"name_nl": "a\x07b"}, "name"),
            ({"duration": "0"}, "duration"),
            ({"duration": "-60"}, "duration"),
            ({"duration": "1:00:00"}, "duration"),
            ({"duration": "99999999999999"}, "duration"),
            ({"step": "4"}, "step"),
            ({"buffer_after": "-1"}, "buffer_after"),
            ({"horizon_days": "0"}, "horizon_days"),
            ({"horizon_days": "367"}, "horizon_days"),
            ({"most_per_day": "0"}, "most_per_day"),
            ({"place": "moon"}, "place"),
            ({"place": "video"}, "video_url"),
            ({"place": "video", "video_url": "kamer 3"}, "video_url"),
            ({"place": "video", "video_url": "javascript:alert(1)"}, "video_url"),
            ({"place": "video", "video_url": "data:text/html,x"}, "video_url"),
            ({"reminders": ["soon"]}, "reminders"),
            ({"position": "-1"}, "position"),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field(
        self, hers: Client, consult: AppointmentType, change: dict[str, Any], field: str
    ) -> None:
        response = hers.post("/en/agenda/soorten/consult/", {**self.FORM, **change})

        assert response.status_code == 422
        assert list(response.context["form"].errors) == [field]
        assert dead_ends(response) == []
        assert AppointmentType.objects.get().duration == timedelta(hours=1)

    def test_line_breaks_do_not_reach_a_name(self, hers: Client, consult: AppointmentType) -> None:
        hers.post("/en/agenda/soorten/consult/", {**self.FORM, "name_nl": "Eerste\r\nafspraak"})

        assert AppointmentType.objects.get().name["nl"] == "Eerste afspraak"

    def test_who_offers_it_is_for_the_manager_to_say(
        self, hers: Client, bob: Client, consult: AppointmentType, charlie: Therapist
    ) -> None:
        data = {**self.FORM, "therapists": [str(charlie.pk)]}

        hers.post("/en/agenda/soorten/consult/", data)
        assert [therapist.name for therapist in consult.therapists.all()] == ["Alice"]
        bob.post("/en/agenda/soorten/consult/", data)
        assert [therapist.name for therapist in consult.therapists.all()] == ["Charlie"]

    def test_a_type_that_one_does_not_offer_is_out_of_reach(
        self, consult: AppointmentType, charlie: Therapist
    ) -> None:
        assert charlie.user is not None
        hers = signed_in(charlie.user)

        assert "There are no appointment types yet, so nobody can book." in text(hers.get("/en/agenda/soorten/"))
        assert hers.get("/en/agenda/soorten/consult/").status_code == 404

    def test_the_list_says_what_counts(self, hers: Client, consult: AppointmentType) -> None:
        page = text(hers.get("/en/agenda/soorten/"))

        assert "First consultation can be booked" in page
        assert "60 minutes, at the practice. Reminders: 2 days before, 3 hours before." in page

    def test_one_that_a_therapist_adds_is_offered_by_her(self, hers: Client, alice: Therapist) -> None:
        response = hers.post("/en/agenda/soorten/nieuw/", self.FORM, follow=True)

        added = AppointmentType.objects.get()
        assert (added.slug, [therapist.slug for therapist in added.therapists.all()]) == (
            "eerste-afspraak",
            ["alice"],
        )
        assert "First consultation hidden" in text(response)

    def test_the_manager_says_who_offers_a_new_one(
        self, bob: Client, alice: Therapist, charlie: Therapist
    ) -> None:
        bob.post("/en/agenda/soorten/nieuw/", {**self.FORM, "therapists": [str(charlie.pk)]})

        assert list(AppointmentType.objects.get().therapists.all()) == [charlie]

    def test_two_of_one_name_get_an_address_each_and_none_that_of_a_page(self, hers: Client) -> None:
        for name in ("Nieuw", "Nieuw", "???"):
            assert hers.post("/en/agenda/soorten/nieuw/", {**self.FORM, "name_nl": name}).status_code == 302

        slugs = set(AppointmentType.objects.values_list("slug", flat=True))
        assert slugs == {"nieuw-2", "nieuw-3", "afspraak"}

    def test_what_cannot_be_added_keeps_what_was_typed(self, hers: Client) -> None:
        response = hers.post("/en/agenda/soorten/nieuw/", {**self.FORM, "duration": "0"})

        assert response.status_code == 422
        assert response.context["form"]["name"].value() == ["Eerste afspraak", "First consultation"]
        assert not AppointmentType.objects.exists()

    def test_the_address_of_a_video_call_is_kept(self, hers: Client, consult: AppointmentType) -> None:
        url = "https://bellen.example/kamer-3"
        hers.post("/en/agenda/soorten/consult/", {**self.FORM, "place": "video", "video_url": url})

        assert AppointmentType.objects.get().video_url == url


class TestWhatColleaguesOfferToo:
    FORM = TestAppointmentTypes.FORM

    @pytest.fixture
    def shared(self, alice: Therapist, charlie: Therapist) -> AppointmentType:
        return make_type(alice, charlie, slug="shared", position=4)

    def changed(self, slug: str) -> bool:
        return AppointmentType.objects.get(slug=slug).duration == timedelta(minutes=45)

    def test_is_for_a_manager_to_change(self, hers: Client, bob: Client, shared: AppointmentType) -> None:
        page = hers.get("/en/agenda/soorten/")
        assert "This is a colleague’s too. Ask a manager to change it." in text(page)
        assert "/en/agenda/soorten/shared/" not in page.content.decode()
        assert hers.get("/en/agenda/soorten/shared/").status_code == 403

        assert hers.post("/en/agenda/soorten/shared/", self.FORM).status_code == 403
        assert not self.changed("shared")

        bob.post(
            "/en/agenda/soorten/shared/",
            {**self.FORM, "therapists": [str(pk) for pk in shared.therapists.values_list("pk", flat=True)]},
        )
        assert self.changed("shared")

    @pytest.mark.parametrize("gone", [{"active": False}, {"user": None}], ids=["takes nobody", "no account"])
    def test_counts_also_where_nobody_books_with_the_colleague(
        self, hers: Client, shared: AppointmentType, charlie: Therapist, gone: dict[str, Any]
    ) -> None:
        Therapist.objects.filter(pk=charlie.pk).update(**gone)

        assert hers.post("/en/agenda/soorten/shared/", self.FORM).status_code == 403

    def test_is_hers_once_the_last_appointment_of_the_colleague_is_over(
        self, hers: Client, shared: AppointmentType, charlie: Therapist, time_machine: Any
    ) -> None:
        shared.therapists.remove(charlie)
        make_appointment(shared, therapist=charlie, start="2026-11-20 13:00")
        assert hers.post("/en/agenda/soorten/shared/", self.FORM).status_code == 403

        time_machine.move_to(wall("2026-11-20 14:00"), tick=False)

        assert hers.post("/en/agenda/soorten/shared/", self.FORM).status_code == 302

    def test_has_its_place_in_the_list_from_a_manager(self, hers: Client, charlie: Therapist) -> None:
        make_type(charlie, slug="theirs", position=0)

        hers.post("/en/agenda/soorten/nieuw/", {**self.FORM, "name_nl": "Erbij", "position": "0"})
        assert AppointmentType.objects.get(slug="erbij").position == 1
        hers.post("/en/agenda/soorten/erbij/", {**self.FORM, "name_nl": "Erbij", "position": "0"})
        assert AppointmentType.objects.get(slug="erbij").position == 1


@pytest.mark.engines
@pytest.mark.django_db(transaction=True)
def test_a_colleague_who_begins_to_offer_a_type_at_that_moment_keeps_it_as_it_is(
    hers: Client, alice: Therapist, charlie: Therapist, monkeypatch: pytest.MonkeyPatch
) -> None:
    consult = make_type(alice, slug="consult")
    real = AppointmentTypeForm.is_valid

    def meanwhile(form: Any) -> bool:
        consult.therapists.add(charlie)
        return real(form)

    monkeypatch.setattr(AppointmentTypeForm, "is_valid", meanwhile)

    assert hers.post("/en/agenda/soorten/consult/", TestAppointmentTypes.FORM).status_code == 403
    assert AppointmentType.objects.get().duration == timedelta(hours=1)
