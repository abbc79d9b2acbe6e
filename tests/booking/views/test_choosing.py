"""A parent chooses a time and books it, page by page, as a browser without JavaScript walks it."""

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary, drafts, emails, family_data, links, rate_limits
from booking.appointments import email_hash
from booking.intervals import Interval
from booking.models import (
    Action,
    Appointment,
    AppointmentType,
    Draft,
    HistoryEntry,
    Hold,
    Kind,
    Notification,
    NotificationState,
    Parent,
    RateCounter,
    Therapist,
)
from booking.rate_limits import Limit
from practice.translations import Translated
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.views.reading import dead_ends, text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
START = "2026-12-01T09:00Z"  # ten o'clock in Veldhoven
FORM = {
    "parent_name": "Noor de Vries",
    "email": "noor@example.org",
    "phone": "06 12345678",
    "child_first_name": "Sam",
    "age_band": "under_12",
    "remark": "liever niet bellen",
    "consent": "on",
    "key": "a-key",
}


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


def choose(visitor: Client, **query: str) -> Any:
    return visitor.get("/afspraak/", query)


def hold(visitor: Client, start: str = START, **data: str) -> Any:
    return visitor.post("/afspraak/kiezen/", {"type": "eerste-afspraak", "start": start, **data})


def fill_in(visitor: Client, start: str = START, **changes: str) -> Any:
    return visitor.post("/afspraak/gegevens/", {"type": "eerste-afspraak", "start": start, **FORM, **changes})


class TestChoosing:
    def test_the_first_free_moment_comes_first_and_all_days_after_it(self, visitor: Client) -> None:
        page = text(choose(visitor))

        assert page.index("Het eerste vrije moment") < page.index("Alle vrije momenten")
        assert "zaterdag 21 november 09:00 tot 10:00 uur Kies dit moment" in page
        assert "zondag 22 november" in page

    def test_it_sets_no_cookie_but_that_of_the_form(self, visitor: Client) -> None:
        assert set(choose(visitor).cookies) == {"csrftoken"}

    def test_a_page_has_a_week_of_days_and_a_way_on(self, visitor: Client) -> None:
        response = choose(visitor)

        assert [day.day for day in response.context["days"]] == [
            date(2026, 11, 21) + timedelta(days=n) for n in range(7)
        ]
        later = text(choose(visitor, day=f"{response.context['later']}"))
        assert "zaterdag 28 november" in later
        assert "Eerdere dagen" in later

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"day": "2026-02-30"}, "Deze datum bestaat niet."),
            ({"day": "morgen"}, "Deze datum bestaat niet."),
            ({"type": "bestaat-niet"}, "Deze soort afspraak kunt u nu niet zelf maken"),
            ({"therapist": "niemand"}, "U kunt hier niet meer bij deze therapeut terecht."),
        ],
    )
    def test_a_bad_choice_is_said_above_a_list_that_works(
        self, visitor: Client, query: dict[str, str], sentence: str
    ) -> None:
        response = choose(visitor, **query)

        assert response.status_code == 422
        assert sentence in text(response)
        assert "Het eerste vrije moment" in text(response)

    def test_a_date_that_is_none_is_told_where_the_date_field_points_to(self, visitor: Client) -> None:
        page = choose(visitor, day="2026-02-30").content.decode()

        described = re.search(r'<input type="date"[^>]*aria-describedby="([^"]+)"', page)
        assert described
        assert len(re.findall(f'id="{described[1]}"', page)) == 1

    def test_english_pages_speak_english(self, visitor: Client) -> None:
        page = text(visitor.get("/en/afspraak/"))

        assert "The first free moment" in page
        assert "Saturday 21 November 09:00 to 10:00 Choose this moment" in page

    def test_nothing_free_says_when_it_opens_and_whom_to_call(self, visitor: Client, alice: Therapist) -> None:
        diary.add_time_off(alice, Interval(NOW, wall("2027-02-10 00:00")))

        page = text(choose(visitor))

        assert "Er is nu geen vrij moment" in page
        assert "Op zaterdag 12 december komen er nieuwe momenten bij." in page
        assert "06 51001943" in page.replace("\xa0", " ") or "06 51 00 19 43" in page

    def test_a_practice_without_types_still_gives_its_number(
        self, visitor: Client, consult: AppointmentType
    ) -> None:
        AppointmentType.objects.update(visible=False)

        response = choose(visitor)

        assert response.status_code == 200
        assert "geen afspraak maken" in text(response)

    def test_with_two_therapists_one_can_be_chosen(self, visitor: Client, consult: AppointmentType) -> None:
        bob = make_therapist(name="Bob", slug="bob")
        make_hours(bob, start="13:00", end="14:00")
        consult.therapists.add(bob)

        assert "Wie het eerst vrij is Alice Bob" in text(choose(visitor))
        assert "vrijdag 20 november 13:00 tot 14:00" in text(choose(visitor, therapist="bob"))

    def test_queries_stay_the_same_however_full_the_diary(self, visitor: Client, consult: AppointmentType) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                choose(visitor)
            return len(captured)

        queries()
        make_appointment(consult, start="2026-12-01 10:00")
        few = [queries(), queries()]
        for day in range(2, 20):
            make_appointment(consult, start=f"2026-12-{day:02} 10:00")

        # What is kept is the site's version, and those of the page.
        assert [queries(), queries()] == few == [10, 2]

    def test_the_page_shows_each_change_at_once(self, visitor: Client, consult: AppointmentType) -> None:
        assert "1 december 10:00" in text(choose(visitor, day="2026-12-01"))
        alice = consult.therapists.get()

        make_appointment(consult, start="2026-12-01 10:00")
        assert "1 december 10:00" not in text(choose(visitor, day="2026-12-01"))
        diary.add_time_off(
            alice, Interval(wall("2026-12-01 00:00"), wall("2026-12-02 00:00")), notice=Translated(nl="Op reis.")
        )
        assert "Op reis." in text(choose(visitor, day="2026-12-01"))
        AppointmentType.objects.update(name=Translated(nl="Gesprek", en="Talk"))
        assert "Gesprek" in text(choose(visitor, day="2026-12-01"))

    def test_the_kept_page_gives_each_visitor_a_token_of_their_own(self, consult: AppointmentType) -> None:
        def token(browser: Client) -> str:
            found = re.findall(
                r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/afspraak/").content.decode()
            )
            assert len(set(found)) == 1
            return str(found[0])

        first, second = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
        tokens = [token(first), token(second)]

        assert tokens[0] != tokens[1]
        for browser, own, hour in zip((first, second), tokens, ("08", "09"), strict=True):
            slot = {"type": consult.slug, "start": f"2026-12-01T{hour}:00Z", "csrfmiddlewaretoken": own}
            assert browser.post("/afspraak/kiezen/", slot).status_code == 302


class TestHolding:
    def test_it_leads_to_the_form_with_the_choice_in_the_address(self, visitor: Client) -> None:
        response = hold(visitor)

        assert response.status_code == 302
        assert response["Location"] == "/afspraak/gegevens/?type=eerste-afspraak&start=2026-12-01T09%3A00Z"
        page = text(visitor.get(response["Location"]))
        assert "dinsdag 1 december 2026 10:00 tot 11:00 uur" in page
        assert "We houden dit moment tot 12:10 uur voor u vrij." in page

    def test_reload_and_back_and_a_second_tab_behave(self, visitor: Client) -> None:
        first, second = hold(visitor), hold(visitor, "2026-12-02T09:00Z")

        for location in (first["Location"], first["Location"], second["Location"]):
            assert visitor.get(location).status_code == 200
        assert Hold.objects.count() == 1

    def test_what_another_holds_is_shown_as_taken(self, visitor: Client) -> None:
        hold(visitor)

        response = hold(Client(REMOTE_ADDR="192.0.2.7"))

        assert response.status_code == 409
        assert "net door iemand anders gekozen" in text(response)
        assert not [t for d in response.context["days"] for t in d.times if t.value == START]

    @pytest.mark.parametrize(
        ("start", "status"),
        [
            ("", 422),
            ("morgen om tien", 422),
            ("2026-12-01T10:00", 422),
            ("2026-02-30T10:00Z", 422),
            ("2026-12-01T09:30Z", 422),
            ("2026-11-19T09:00Z", 422),
            ("2027-11-19T09:00Z", 422),
            ("0001-01-01T00:00+14:00", 422),
            ("9999-12-31T23:59-14:00", 422),
            ("2026-12-01T09:00Z\x00", 422),
            ("1" * 10_000, 422),
        ],
        ids=[
            "none",
            "words",
            "no offset",
            "no date",
            "off the grid",
            "past",
            "far",
            "first",
            "last",
            "null",
            "long",
        ],
    )
    def test_a_time_that_is_none_gets_a_sentence_and_writes_nothing(
        self, visitor: Client, start: str, status: int
    ) -> None:
        response = hold(visitor, start)

        assert response.status_code == status
        assert "Kies een" in text(response)
        assert not Hold.objects.exists()

    def test_half_past_two_in_the_night_of_the_change_is_not_offered(
        self, visitor: Client, alice: Therapist, clock: Any
    ) -> None:
        make_hours(alice, 6, start="01:30", end="04:30")
        clock.move_to(wall("2027-03-25 12:00"))

        for start in ("2027-03-28T02:30+01:00", "2027-03-28T02:30"):
            assert hold(visitor, start).status_code in {302, 422}
        day = next(d for d in choose(visitor).context["days"] if d.day == date(2027, 3, 28))
        assert "02:30" not in [f"{time.start:%H:%M}" for time in day.times]

    def test_a_get_holds_nothing(self, visitor: Client) -> None:
        visitor.get("/afspraak/kiezen/", {"type": "eerste-afspraak", "start": START})

        assert not Hold.objects.exists()

    def test_many_from_one_address_are_told_to_wait(self, visitor: Client, settings: Any) -> None:
        for _ in range(120):
            hold(visitor, "2026-12-01T09:30Z")

        response = hold(visitor)

        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        assert "Dat was veel in korte tijd" in text(response)


class TestBooking:
    def test_the_form_books_and_leads_to_a_page_that_says_all(self, visitor: Client) -> None:
        hold(visitor)

        response = fill_in(visitor)

        appointment = Appointment.objects.get()
        assert (response.status_code, appointment.start) == (302, wall("2026-12-01 10:00"))
        page = text(visitor.get(response["Location"]))
        assert "Uw afspraak is gemaakt" in page
        assert "dinsdag 1 december 2026 10:00 tot 11:00 uur" in page
        assert "Verzetten of afzeggen kan tot maandag 30 november om 10:00 uur" in page
        assert "Wij verwijderen uw gegevens op 31 december 2026." in page

    def test_the_parent_is_kept_as_typed_and_the_phone_as_e164(self, visitor: Client) -> None:
        fill_in(visitor)

        parent = Parent.objects.get()
        assert (parent.name, parent.email, parent.phone, parent.language) == (
            "Noor de Vries",
            "noor@example.org",
            "+31612345678",
            "nl",
        )
        assert parent.consent_version

    def test_english_is_remembered_for_the_mails(self, visitor: Client) -> None:
        visitor.post("/en/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START, **FORM})

        assert Parent.objects.get().language == "en"

    def test_a_double_submit_makes_one(self, visitor: Client) -> None:
        hold(visitor)

        first, second = fill_in(visitor), fill_in(visitor)

        assert first["Location"] == second["Location"]
        assert (Appointment.objects.count(), Notification.objects.filter(kind=Kind.CONFIRMATION).count()) == (1, 1)

    def test_the_same_form_with_another_text_is_told_so(self, visitor: Client) -> None:
        fill_in(visitor)

        response = fill_in(visitor, parent_name="Noor Jansen")

        assert response.status_code == 422
        assert "Met dit formulier is al een afspraak gemaakt." in text(response)
        assert Appointment.objects.count() == 1

    def test_a_key_that_leaked_gives_nobody_elses_link(self, visitor: Client) -> None:
        fill_in(visitor)

        response = fill_in(Client())

        assert response.status_code in {409, 422}
        assert Appointment.objects.count() == 1

    def test_the_loser_of_a_race_keeps_all_that_was_typed_and_sees_the_nearest_times(
        self, visitor: Client
    ) -> None:
        fill_in(Client(), key="other")

        response = fill_in(visitor)

        assert response.status_code == 409
        page = response.content.decode()
        for typed in ("Noor de Vries", "noor@example.org", "06 12345678", "Sam", "liever niet bellen"):
            assert typed in page
        offered = re.findall(r'type="radio" name="start" value="([^"]+)"', page)
        assert "2026-12-01T10:00Z" in offered
        assert len(offered) == 6
        assert START not in offered
        again = fill_in(visitor, offered[0])
        assert again.status_code == 302

    def test_without_a_new_choice_the_form_asks_for_one(self, visitor: Client) -> None:
        fill_in(Client(), key="other")

        response = fill_in(visitor, start="")

        assert response.status_code == 422
        assert "De vrije momenten die er het dichtst bij liggen" in text(response)
        assert "Noor de Vries" in response.content.decode()

    def test_an_expired_hold_does_not_matter_while_the_time_is_free(self, visitor: Client, clock: Any) -> None:
        hold(visitor)
        clock.shift(timedelta(hours=1))

        assert fill_in(visitor).status_code == 302

    def test_an_expired_hold_that_another_took_over_is_said(self, visitor: Client, clock: Any) -> None:
        hold(visitor)
        clock.shift(timedelta(minutes=11))
        hold(Client())

        response = fill_in(visitor)

        assert response.status_code == 409
        assert "Noor de Vries" in response.content.decode()

    def test_opening_the_form_of_a_taken_time_shows_the_list(self, visitor: Client) -> None:
        fill_in(Client())

        response = visitor.get("/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START})

        assert response.status_code == 409
        assert "Alle vrije momenten" in text(response)

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("parent_name", "", "Vul uw naam in."),
            ("parent_name", "N" * 10_000, "100 tekens"),
            ("parent_name", "Noor\r\nBcc: x@example.org", "een teken in dat we niet kunnen gebruiken"),
            ("parent_name", "Noor\x00", "een teken in dat we niet kunnen gebruiken"),
            ("parent_name", "Noor\u202etxt", "een teken in dat we niet kunnen gebruiken"),
            ("parent_name", "\u200b\u200d", "Vul uw naam in."),
            ("parent_name", "\u3164", "Vul een naam in."),
            ("parent_name", "!?", "Vul een naam in."),
            ("child_first_name", "\u2800", "Vul een naam in."),
            ("email", "noor@localhost", "Dit e-mailadres is niet compleet."),
            ("email", "noor@[192.0.2.1]", "Dit e-mailadres is niet compleet."),
            ("phone", "0900 1234567", "Dit is een servicenummer."),
            ("phone", "0800 1234", "Dit is een servicenummer."),
            ("email", "", "Vul uw e-mailadres in."),
            ("email", "noor@", "Dit e-mailadres is niet compleet."),
            ("email", '"noor"@example.org', "Typ het e-mailadres zonder aanhalingstekens."),
            ("email", "zoë@example.org", "Onze mail komt niet aan op een adres met zulke letters vóór de @."),
            ("email", "noor@praktijk.invalid", "Naar wat achter de @ staat, kan geen mail."),
            ("email", "noor@example.org\nBcc: x@example.org", "Dit e-mailadres is niet compleet."),
            ("email", "n" * 10_000 + "@example.org", "Dit e-mailadres is te lang."),
            ("phone", "", "Vul uw telefoonnummer in."),
            ("phone", "12", "Dit telefoonnummer is niet compleet."),
            ("phone", "1" * 10_000, "Dit telefoonnummer is niet compleet."),
            ("child_first_name", " ", "Vul de voornaam van uw kind in."),
            ("age_band", "", "Kies hoe oud uw kind is."),
            ("age_band", "40_plus", "Kies een van de leeftijden die er staan."),
            ("remark", "x" * 501, "500 tekens"),
            ("remark", "a\x1bb", "een teken in dat we niet kunnen gebruiken"),
            ("consent", "", "Zonder uw toestemming"),
        ],
    )
    def test_a_bad_field_gets_a_plain_sentence_and_writes_nothing(
        self, visitor: Client, field: str, value: str, sentence: str
    ) -> None:
        response = fill_in(visitor, **{field: value})

        assert response.status_code == 422
        assert sentence in text(response)
        assert not Appointment.objects.exists()
        kept = "liever niet bellen" if field != "remark" else "Noor de Vries"
        assert kept in response.content.decode()

    def test_the_errors_lead_to_their_fields(self, visitor: Client) -> None:
        page = fill_in(visitor, parent_name="", age_band="", consent="")

        led = re.findall(r'<a href="#(id_[a-z_0-9]+)"', page.content.decode())
        assert led == ["id_parent_name", "id_age_band_0", "id_consent"]
        assert dead_ends(page) == []

    @pytest.mark.parametrize("field", ["parent_name", "email", "child_first_name", "age_band", "remark"])
    def test_a_null_byte_is_told_of_once(self, visitor: Client, field: str) -> None:
        response = fill_in(visitor, **{field: f"{FORM[field]}\x00"})

        assert response.status_code == 422
        assert {name: len(errors) for name, errors in response.context["form"].errors.items()} == {field: 1}

    def test_from_sixteen_on_the_child_must_agree(self, visitor: Client) -> None:
        refused = fill_in(visitor, age_band="16_plus")
        assert refused.status_code == 422
        assert "Vanaf 16 jaar beslist uw kind mee." in text(refused)

        assert fill_in(visitor, age_band="16_plus", child_agrees="on").status_code == 302

    def test_a_remark_may_have_lines(self, visitor: Client) -> None:
        assert fill_in(visitor, remark="een\r\ntwee").status_code == 302

    def test_what_is_typed_is_decoded_once(self, visitor: Client) -> None:
        typed = "%41 %2541 &amp;lt; +a \\u0041 =?utf-8?q?=41?="

        assert fill_in(visitor, remark=typed).status_code == 302

        assert Appointment.objects.get().remark == typed

    @pytest.mark.parametrize("name", ["Łukasz Żółć", "O'Neill-van der Berg", "李小龙", "Zoë 🌻"])
    def test_names_are_what_people_write(self, visitor: Client, name: str) -> None:
        fill_in(visitor, parent_name=name)

        assert Parent.objects.get().name == name

    @pytest.mark.parametrize(
        ("field", "typed", "kept"),
        [
            ("parent_name", "\u200bNoor\ufeff de\u00a0Vries\u200d ", "Noor de\u00a0Vries"),
            ("parent_name", "Zoe\u0308", "Zo\u00eb"),
            (
                "parent_name",
                "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647",
                "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647",
            ),
            ("email", "\u200bnoor@exam\u200bple.org", "noor@example.org"),
            ("email", "\u200enoor@exam\u061cple.org\u200f", "noor@example.org"),
            ("email", "noor@stra\u00dfe.example", "noor@xn--strae-oqa.example"),
            ("phone", "088 1234567", "+31881234567"),
        ],
        ids=["without width", "in two parts", "a joiner inside", "address", "from a chat", "IDN", "at work"],
    )
    def test_what_nobody_sees_is_left_out(self, visitor: Client, field: str, typed: str, kept: str) -> None:
        assert fill_in(visitor, **{field: typed}).status_code == 302

        assert getattr(Parent.objects.get(), field.removeprefix("parent_")) == kept

    def test_without_the_forms_token_nothing_is_booked(self) -> None:
        response = fill_in(Client(enforce_csrf_checks=True))

        assert response.status_code == 403
        assert not Appointment.objects.exists()

    def test_one_mail_address_cannot_book_for_ever(self, visitor: Client) -> None:
        statuses = [
            fill_in(visitor, f"2026-12-{day:02}T09:00Z", key=f"key {day}").status_code for day in range(1, 6)
        ]

        assert statuses == [302] * 3 + [429] * 2

    def test_one_address_cannot_book_for_ever_under_many_names(
        self, visitor: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limits, "BOOKINGS", rate_limits.Limit("booking", 2, rate_limits.BOOKINGS.window))
        statuses = [
            fill_in(visitor, f"2026-12-0{day}T09:00Z", key=f"key {day}", email=f"{day}@example.org").status_code
            for day in range(1, 4)
        ]

        assert statuses == [302, 302, 429]


@pytest.mark.parametrize("moment", ["2026-10-24 12:00", "2027-03-27 12:00"])
def test_the_night_of_the_change_books_the_wall_clock_that_was_shown(
    visitor: Client, clock: Any, moment: str
) -> None:
    now = wall(moment)
    clock.move_to(now)
    sunday = (now + timedelta(days=1)).astimezone(AMSTERDAM).date()
    day = next(d for d in choose(visitor).context["days"] if d.day == sunday)
    ten = next(time for time in day.times if f"{time.start:%H:%M}" == "10:00")

    hold(visitor, ten.value)
    page = text(visitor.get(fill_in(visitor, ten.value)["Location"]))

    assert "10:00 tot 11:00 uur" in page
    assert Appointment.objects.get().start == wall(
        f"{datetime.combine(sunday, datetime.min.time()):%Y-%m-%d} 10:00"
    )


WAYS_TO_LEAVE = pytest.mark.parametrize(
    "leave",
    [
        lambda bob: Therapist.objects.filter(pk=bob.pk).update(active=False),
        lambda bob: AppointmentType.objects.get().therapists.remove(bob),
    ],
    ids=["takes no new families", "does not offer this"],
)


class TestWhatIsOfferedNoMore:
    """The therapist takes a type or a colleague away while a family fills in the form."""

    TYPED = ("Noor de Vries", "noor@example.org", "06 12345678", "Sam", "liever niet bellen")

    @pytest.fixture
    def bob(self, consult: AppointmentType) -> Therapist:
        bob = make_therapist(name="Bob", slug="bob")
        make_hours(bob, start="09:00", end="12:00")
        consult.therapists.add(bob)
        return bob

    def test_a_type_leaves_the_form_as_typed_and_says_whom_to_call(self, visitor: Client) -> None:
        hold(visitor)
        AppointmentType.objects.update(visible=False)

        response = fill_in(visitor)

        assert response.status_code == 409
        assert text(response).count("Deze soort afspraak kunt u nu niet zelf maken.") == 1
        assert "tel:+31-6-51001943" in response.content.decode()
        assert not [typed for typed in self.TYPED if typed not in response.content.decode()]
        assert not response.context.get("alternatives")
        assert not Appointment.objects.exists()

    def test_a_type_that_comes_back_can_be_booked_from_that_form(self, visitor: Client) -> None:
        AppointmentType.objects.update(visible=False)
        page = fill_in(visitor).content.decode()
        AppointmentType.objects.update(visible=True)

        assert f'name="start" value="{START}"' in page
        assert fill_in(visitor).status_code == 302

    def test_a_type_is_said_where_nothing_was_typed_yet(self, visitor: Client, alice: Therapist) -> None:
        make_type(alice, slug="gesprek")
        AppointmentType.objects.filter(slug="eerste-afspraak").update(visible=False)
        query = {"type": "eerste-afspraak", "start": START}

        for response in (hold(visitor), visitor.get("/afspraak/gegevens/", query)):
            assert response.status_code == 409
            assert text(response).count("Deze soort afspraak kunt u nu niet zelf maken.") == 1
            assert "tel:+31-6-51001943" in response.content.decode()
            assert "Het eerste vrije moment" in text(response)
        assert not Hold.objects.exists()

    @WAYS_TO_LEAVE
    def test_a_therapist_leaves_the_form_as_typed_and_the_times_of_colleagues(
        self, visitor: Client, bob: Therapist, leave: Callable[[Therapist], object]
    ) -> None:
        hold(visitor, therapist="bob")
        leave(bob)

        response = fill_in(visitor, therapist="bob")

        page = response.content.decode()
        assert response.status_code == 409
        assert "U kunt hier niet meer bij deze therapeut terecht." in page
        assert not [typed for typed in self.TYPED if typed not in page]
        assert "Bob" not in text(response)
        assert 'value="bob"' not in page
        assert START in re.findall(r'type="radio" name="start" value="([^"]+)"', page)
        assert not Appointment.objects.exists()
        assert fill_in(visitor).status_code == 302

    @WAYS_TO_LEAVE
    def test_a_therapist_is_said_where_nothing_was_typed_yet(
        self, visitor: Client, bob: Therapist, leave: Callable[[Therapist], object]
    ) -> None:
        leave(bob)
        query = {"type": "eerste-afspraak", "start": START, "therapist": "bob"}

        for response in (hold(visitor, therapist="bob"), visitor.get("/afspraak/gegevens/", query)):
            assert response.status_code == 409
            assert text(response).count("U kunt hier niet meer bij deze therapeut terecht.") == 1
            assert "Het eerste vrije moment" in text(response)
        assert not Hold.objects.exists()

    @WAYS_TO_LEAVE
    @pytest.mark.parametrize("query", ["?therapist=bob", "?therapist=bob&type=eerste-afspraak"])
    def test_the_times_of_a_therapist_are_those_of_colleagues_then(
        self, visitor: Client, bob: Therapist, leave: Callable[[Therapist], object], query: str
    ) -> None:
        leave(bob)

        # Who looks around, and who keeps a time.
        for _once in range(2):
            page = visitor.get(f"/afspraak/{query}")
            assert "U kunt hier niet meer bij deze therapeut terecht." in text(page)
            assert 'value="bob"' not in page.content.decode()
            assert page.context["first_free"]
            hold(visitor)

    def test_the_last_therapist_leaves_a_number_to_call(self, visitor: Client, alice: Therapist) -> None:
        Therapist.objects.filter(pk=alice.pk).update(active=False)

        for response, status in ((fill_in(visitor), 422), (fill_in(visitor, therapist="alice"), 409)):
            assert response.status_code == status
            assert "Er is nu geen vrij moment." in text(response)
            assert not [typed for typed in self.TYPED if typed not in response.content.decode()]
        assert not Appointment.objects.exists()

    def test_what_is_wrong_besides_is_said_too(self, visitor: Client) -> None:
        AppointmentType.objects.update(visible=False)

        response = fill_in(visitor, parent_name="")

        assert response.status_code == 409
        assert "Deze soort afspraak kunt u nu niet zelf maken." in text(response)
        assert "Vul uw naam in." in text(response)


class TestAfterALostSlot:
    """What was found by trying it: the pages of a refusal must lead on as any other page does."""

    def test_its_links_and_its_form_lead_to_the_list(self, visitor: Client) -> None:
        fill_in(Client())

        page = hold(visitor).content.decode()

        assert 'action="/afspraak/"' in page
        assert set(re.findall(r'<a class="button button--quiet" href="([^"?]*)\?', page)) == {"/afspraak/"}

    @pytest.mark.parametrize("path", ["/afspraak/kiezen/", "/en/afspraak/kiezen/"])
    def test_its_address_can_be_opened_again(self, visitor: Client, path: str) -> None:
        assert visitor.get(path)["Location"] == path.replace("kiezen/", "")

    def test_a_form_with_mistakes_keeps_the_choice_in_its_address(self, visitor: Client) -> None:
        query = "type=eerste-afspraak&start=2026-12-01T09%3A00Z"
        page = fill_in(visitor, parent_name="").content.decode()

        assert f'action="/afspraak/gegevens/?{query.replace("&", "&amp;")}"' in page

    def test_the_nearest_times_stay_those_around_the_one_that_was_lost(
        self, visitor: Client, consult: AppointmentType
    ) -> None:
        make_appointment(consult, start="2026-12-28 10:00")
        lost = fill_in(visitor, start="2026-12-28T09:00Z")
        (near,) = re.findall(r'name="near" value="([^"]+)"', lost.content.decode())

        again = visitor.post("/afspraak/gegevens/", {"type": "eerste-afspraak", "near": near, **FORM})

        assert again.context["alternatives"] == lost.context["alternatives"]
        assert f'name="near" value="{near}"' in again.content.decode()

    @pytest.mark.parametrize("near", ["\x00", "morgen", "9999-12-31T23:59Z"])
    def test_times_near_to_nothing_are_the_first_ones(self, visitor: Client, near: str) -> None:
        again = visitor.post("/afspraak/gegevens/", {"type": "eerste-afspraak", "near": near, **FORM})

        assert again.status_code == 422
        assert again.context["alternatives"]

    def test_who_goes_back_after_booking_was_not_overtaken(self, visitor: Client) -> None:
        hold(visitor)
        fill_in(visitor)
        query = {"type": "eerste-afspraak", "start": START}

        pages = [visitor.get("/afspraak/gegevens/", query), fill_in(visitor, key="another tab"), hold(visitor)]
        for page in pages:
            assert page.status_code == 409
            assert "U hebt dit moment al geboekt. De bevestiging staat in uw mail." in text(page)
            assert "iemand anders" not in text(page)
        assert "net door iemand anders gekozen" in text(Client().get("/afspraak/gegevens/", query))

    def test_who_goes_back_after_booking_is_led_to_the_appointment(self, visitor: Client) -> None:
        hold(visitor)
        booked = fill_in(visitor)["Location"]
        query = {"type": "eerste-afspraak", "start": START}

        pages = [
            visitor.get("/afspraak/gegevens/", query),
            fill_in(visitor, key="another tab"),
            hold(visitor),
            # The same form, put right and sent once more.
            fill_in(visitor, email="noor.de.vries@example.org"),
        ]
        for page in pages:
            content = page.content.decode()
            assert "notice--error" not in content
            assert 'role="alert"' not in content
            assert f'href="{booked}"' in content
        assert Appointment.objects.count() == 1

    def test_nobody_is_led_to_what_is_not_their_own_any_more(self, visitor: Client) -> None:
        fill_in(visitor)
        query = {"type": "eerste-afspraak", "start": START}
        Parent.objects.update(link_version=1)

        for page in (visitor.get("/afspraak/gegevens/", query), hold(visitor), hold(Client())):
            assert "/gemaakt/" not in page.content.decode()
            assert "net door iemand anders gekozen" in text(page)

    def test_a_session_from_before_does_not_stand_in_the_way(self, visitor: Client) -> None:
        hold(visitor)
        session = visitor.session
        session["booked"] = [START]
        session.save()

        assert fill_in(visitor).status_code == 302

    @pytest.mark.parametrize("asked", [{}, {"day": "2026-12-19"}, {"day": "2026-12-19", "view": "month"}])
    def test_the_same_week_comes_back_with_the_nearest_times(
        self, visitor: Client, consult: AppointmentType, asked: dict[str, str]
    ) -> None:
        make_appointment(consult, start="2026-12-21 10:00")
        lost = "2026-12-21T09:00Z"
        query = {"type": "eerste-afspraak", "start": lost, **asked}

        for page in (hold(visitor, lost, **asked), visitor.get("/afspraak/gegevens/", query)):
            assert page.status_code == 409
            assert f"{page.context['begin']}" == asked.get("day", "2026-12-21")
            assert page.context["by_month"] == ("view" in asked)
            assert "De vrije momenten die er het dichtst bij liggen zondag 20 december, 10:00" in text(page)

    def test_the_list_says_which_days_were_looked_at(self, visitor: Client) -> None:
        page = choose(visitor, day="2026-12-19").content.decode()

        assert page.count('<input type="hidden" name="day" value="2026-12-19">') == 2

    def test_past_the_last_free_day_there_is_the_number_and_no_list_of_closed_days(
        self, visitor: Client, alice: Therapist
    ) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-03 00:00"), wall("2027-02-10 00:00")))

        page = text(choose(visitor, day="2026-12-07"))

        assert "Vanaf deze datum is er niets vrij." in page
        assert "06 51001943" in page
        assert "Dicht" not in page

    def test_a_line_break_is_one_character_and_nothing_is_cut_off(self, visitor: Client) -> None:
        hold(visitor)
        page = visitor.get("/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START})
        assert "maxlength" not in str(page.context["form"]["remark"])

        lines = "\r\n".join(["x" * 9] * 50)
        refused = fill_in(visitor, remark=f"{lines}yy")
        assert "niet meer dan 500 tekens" in text(refused)
        assert "501" in text(refused)
        assert fill_in(visitor, remark=f"{lines}y").status_code == 302
        assert Appointment.objects.get().remark.count("\n") == 49

    def test_no_choice_among_the_nearest_times_is_said(self, visitor: Client) -> None:
        for start in ("", "x", "2026-12-01T10:00", "9999-12-31T23:59Z"):
            response = fill_in(visitor, start)
            assert response.status_code == 422
            assert "notice--error" in response.content.decode()
            assert "Kies een" in text(response)

    @pytest.mark.parametrize("key", ["", "k" * 65, "k\x00"])
    def test_a_key_that_is_none_does_not_close_the_form_for_ever(self, visitor: Client, key: str) -> None:
        assert fill_in(visitor, key=key).status_code == 302

    @pytest.mark.parametrize(
        "start", ["2026-12-01T09:30Z", "2026-11-01T09:00Z", "2029-12-01T09:00Z", "9999-12-31T23:59Z"]
    )
    def test_a_time_that_never_was_on_offer_is_not_called_taken(self, visitor: Client, start: str) -> None:
        response = visitor.get("/afspraak/gegevens/", {"type": "eerste-afspraak", "start": start})

        assert response.status_code == 422
        assert "Dit moment kunt u niet kiezen." in text(response)

    def test_refused_tries_do_not_shut_an_address_out(self, visitor: Client) -> None:
        for _ in range(12):
            fill_in(visitor, "2026-12-01T09:30Z")

        assert fill_in(visitor).status_code == 302


class TestAnotherMoment:
    """Whoever chooses another moment from the form finds there again what was typed, for ten minutes."""

    TYPED: ClassVar[dict[str, str]] = {**FORM, "email": "noor@", "remark": "\u202e<b>\r\nlang"}

    def again(self, visitor: Client, **changes: str) -> Any:
        return fill_in(visitor, another="1", **{**self.TYPED, **changes})

    def test_the_list_comes_back_where_that_moment_is(self, visitor: Client) -> None:
        response = self.again(visitor)

        assert response["Location"] == "/afspraak/?type=eerste-afspraak&day=2026-12-01"
        assert "komt terug in het formulier" in text(visitor.get(response["Location"]))
        assert not Appointment.objects.exists()

    def test_all_that_was_typed_is_in_the_form_of_the_other_moment(self, visitor: Client) -> None:
        hold(visitor)
        self.again(visitor)

        page = visitor.get(hold(visitor, "2026-12-02T09:00Z")["Location"])

        values = {name: page.context["form"][name].value() for name in self.TYPED}
        assert values.pop("key") != FORM["key"]
        assert values == {name: text for name, text in self.TYPED.items() if name != "key"}
        assert 'name="consent"' in page.content.decode()
        assert 'data-leaving="typed"' in page.content.decode()
        assert not page.context["form"].is_bound

    def test_it_is_kept_encrypted_for_ten_minutes_and_for_this_browser_alone(
        self, visitor: Client, clock: Any
    ) -> None:
        self.again(visitor)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM booking_draft")
            assert "Noor" not in repr(cursor.fetchall())
        query = {"type": "eerste-afspraak", "start": START}

        def shown(browser: Client) -> bool:
            return "Noor de Vries" in browser.get("/afspraak/gegevens/", query).content.decode()

        hold(other := Client(), "2026-12-03T09:00Z")
        assert (shown(visitor), shown(other), shown(Client())) == (True, False, False)
        clock.move_to(NOW + drafts.TERM)
        assert not shown(visitor)
        drafts.forget_expired(now=NOW + drafts.TERM)
        assert not Draft.objects.exists()

    def test_once_booked_it_is_forgotten(self, visitor: Client) -> None:
        self.again(visitor)
        fill_in(visitor)

        assert not Draft.objects.exists()

    def test_what_is_typed_last_counts_and_nobody_keeps_much(self, visitor: Client) -> None:
        self.again(visitor)
        self.again(visitor, parent_name="x" * 100_000, unknown="x" * 1000)

        assert len(Draft.objects.get().typed) < 5000

    @pytest.mark.parametrize("start", ["", "x", "9999-12-31T23:59Z", "0001-01-01T00:00Z", "2026-11-01T09:00Z"])
    def test_from_a_moment_that_is_none_the_list_begins_at_its_beginning(
        self, visitor: Client, start: str
    ) -> None:
        response = fill_in(visitor, start, another="1")

        assert response["Location"] == "/afspraak/?type=eerste-afspraak"

    def test_so_it_is_from_a_form_that_has_lost_its_moment(self, visitor: Client) -> None:
        fill_in(Client())
        lost = fill_in(visitor, key="other")
        assert 'name="another"' in lost.content.decode()

        assert fill_in(visitor, "", near=START, another="1")["Location"].endswith("&day=2026-12-01")

    def test_too_often_leaves_the_form_as_it_is(self, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limits, "HOLDS", rate_limits.Limit("hold", 0, timedelta(hours=1)))

        response = self.again(visitor)

        assert response.status_code == 429
        assert response.context["form"]["parent_name"].value() == "Noor de Vries"

    @pytest.mark.parametrize("changes", [{}, {"another": "1"}])
    def test_too_often_with_a_moment_at_the_end_of_the_calendar_is_said_too(
        self, visitor: Client, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
    ) -> None:
        for name in ("HOLDS", "BOOKINGS"):
            monkeypatch.setattr(rate_limits, name, rate_limits.Limit(name, 0, timedelta(hours=1)))

        assert fill_in(visitor, "9999-12-31T23:59Z", **changes).status_code == 429

    def test_what_no_key_reads_is_as_good_as_gone(self, visitor: Client) -> None:
        self.again(visitor)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE booking_draft SET typed = 'gAAAAAB'")

        page = hold(visitor, "2026-12-02T09:00Z")

        assert visitor.get(page["Location"]).status_code == 200

    def test_a_phone_call_says_what_its_number_is_for(self, visitor: Client, alice: Therapist) -> None:
        make_type(alice, slug="bellen", place="phone")
        query = {"type": "bellen", "start": START}

        for page in (visitor.get("/afspraak/gegevens/", query), fill_in(visitor, type="bellen", phone="")):
            assert "Op dit nummer bellen wij u op het afgesproken moment." in text(page)
            assert "Alleen voor als er" not in text(page)


class TestAMistypedAddress:
    """Whoever just booked puts it right, in the same browser."""

    RIGHT = "noor@voorbeeld.example"

    @pytest.fixture
    def booked(self, visitor: Client) -> str:
        return str(fill_in(visitor, email="nor@voorbeeld.example")["Location"])

    def correct(self, visitor: Client, booked: str, email: str = RIGHT, **extra: Any) -> Any:
        return visitor.post(f"{booked}adres/", {"email": email}, **extra)

    def refused(self, visitor: Client, booked: str) -> bool:
        return self.correct(visitor, booked)["Location"] == booked and not Parent.objects.filter(
            email_hash=email_hash(self.RIGHT)
        )

    def test_the_confirmation_goes_there_and_the_link_in_the_first_mail_is_dead(
        self, visitor: Client, booked: str
    ) -> None:
        assert "Klopte het e-mailadres niet?" in text(visitor.get(booked))

        page = self.correct(visitor, booked, follow=True)

        assert "De bevestiging is onderweg naar het nieuwe adres." in text(page)
        assert "Uw afspraak is gemaakt" in text(page)
        assert (
            visitor.get(booked).status_code == Client().get(booked.replace("gemaakt", "beheer")).status_code == 404
        )
        (due,) = Notification.objects.filter(kind=Kind.CONFIRMATION, state=NotificationState.DUE)
        mail = emails.compose(due, now=NOW)
        assert mail.to == [self.RIGHT]
        assert links.manage_token(Parent.objects.get()) in str(mail.body)
        assert [done.action for done in HistoryEntry.objects.all()] == [Action.BOOKED, Action.READDRESSED]

    def test_everything_that_is_still_to_come_goes_there_alone(self, visitor: Client, booked: str) -> None:
        Notification.objects.filter(kind=Kind.CONFIRMATION).update(state=NotificationState.SENT, sent_at=NOW)
        self.correct(visitor, booked)

        to_come = Notification.objects.filter(state=NotificationState.DUE, parent__isnull=False)
        assert {emails.compose(one, now=NOW).to[0] for one in to_come} == {self.RIGHT}
        assert to_come.filter(kind=Kind.REMINDER).count() == 2

    @pytest.mark.parametrize(
        "email", ["", "noor", "noor@localhost", "nor@voorbeeld.example", "Nor@Voorbeeld.example"]
    )
    def test_no_address_or_the_same_one_is_refused_in_the_form(
        self, visitor: Client, booked: str, email: str
    ) -> None:
        response = self.correct(visitor, booked, email)

        assert response.status_code == 422
        assert response.context["form"].errors["email"]
        assert Parent.objects.get().link_version == 0

    def test_another_browser_cannot(self, visitor: Client, booked: str) -> None:
        for stranger in (Client(), self.somebody_who_booked()):
            assert "Klopte het e-mailadres niet?" not in text(stranger.get(booked))
            assert self.refused(stranger, booked)

    def somebody_who_booked(self) -> Client:
        stranger = Client()
        fill_in(stranger, "2026-12-03T09:00Z", key="stranger", email="mila@example.org")
        return stranger

    def test_not_once_the_link_in_the_mail_was_opened_elsewhere(
        self, visitor: Client, booked: str, settings: Any
    ) -> None:
        settings.RATE_LIMITS = False
        Client().get(booked.replace("gemaakt", "beheer"))

        assert "Klopte het e-mailadres niet?" not in text(visitor.get(booked))
        assert self.refused(visitor, booked)

    def test_not_once_a_program_used_its_token(self, visitor: Client, booked: str) -> None:
        token = booked.rstrip("/").rpartition("/")[2]
        assert Client().get(f"/api/v1/appointments/{token}").status_code == 200

        assert self.refused(visitor, booked)

    def test_to_look_at_the_own_appointment_does_not_count(self, visitor: Client, booked: str) -> None:
        visitor.get(booked.replace("gemaakt", "beheer"))

        assert "/gemaakt/" in self.correct(visitor, booked)["Location"]
        assert Parent.objects.get().email == self.RIGHT

    def test_not_after_half_an_hour(self, visitor: Client, booked: str, clock: Any) -> None:
        clock.move_to(NOW + family_data.READDRESS_TERM)

        assert self.refused(visitor, booked)

    @pytest.mark.parametrize("name", ["herinneringen/", "afzeggen/", "verzetten/"])
    def test_not_once_anything_else_was_done(self, visitor: Client, booked: str, name: str) -> None:
        data = {"wanted": "no", "start": "2026-12-02T09:00Z"}
        visitor.post(booked.replace("gemaakt", "beheer") + name, data)

        assert self.refused(visitor, booked)

    def test_three_times_and_no_more(self, visitor: Client, booked: str) -> None:
        for number in range(family_data.MOST_READDRESSED):
            booked = self.correct(visitor, booked, f"noor{number}@voorbeeld.example")["Location"]

        assert self.refused(visitor, booked)

    def test_a_mailbox_gets_no_more_than_its_share_by_it(self, visitor: Client, booked: str) -> None:
        for day in range(3, 6):
            elsewhere = Client(REMOTE_ADDR=f"192.0.2.{day}")
            fill_in(elsewhere, f"2026-12-0{day}T09:00Z", key=f"{day}", email=self.RIGHT)

        response = self.correct(visitor, booked)

        assert response.status_code == 429
        assert "Met dit e-mailadres kunt u hier nu geen afspraak meer maken" in text(response)
        assert Parent.objects.get(link_version=0, email_hash=email_hash("nor@voorbeeld.example"))

    def test_to_the_same_mailbox_written_in_another_way_it_counts_itself_out(
        self, visitor: Client, settings: Any
    ) -> None:
        settings.OPEN_APPOINTMENTS = 1
        booked = fill_in(visitor, email="noor+sma@voorbeeld.example")["Location"]

        assert "/gemaakt/" in self.correct(visitor, booked, "noor+sam@voorbeeld.example")["Location"]

    def test_a_link_to_it_opens_nothing(self, visitor: Client, booked: str) -> None:
        assert visitor.get(f"{booked}adres/")["Location"] == booked


def test_the_fourth_appointment_is_refused_with_a_way_on(visitor: Client) -> None:
    for day in range(1, 4):
        fill_in(Client(), f"2026-12-0{day}T09:00Z", key=f"{day}")

    response = fill_in(visitor, "2026-12-04T09:00Z")

    assert response.status_code == 429
    assert "hoogstens 3 afspraken" in text(response)
    assert "verzetten of afzeggen" in text(response)
    assert "06 51001943" in text(response)
    assert "later" not in text(response).partition("Uw gegevens")[2].partition("U belt")[0]


class TestLookingAtAField:
    """What the form would say of one field is asked for when that field is left."""

    @pytest.mark.parametrize(
        ("field", "typed", "error", "instead"),
        [
            ("parent_name", "Noor de Vries", "", ""),
            ("parent_name", "", "Vul uw naam in.", ""),
            ("email", "noor@", "Dit e-mailadres is niet compleet.", ""),
            ("email", "noor@example.org", "", ""),
            ("email", "noor@gmial.com", "", "noor@gmail.com"),
            ("phone", "06 12345678", "", ""),
            ("phone", "06 1234", "Dit telefoonnummer is niet compleet.", ""),
            ("phone", "006 12345678", "Dit telefoonnummer is niet compleet.", "06 12345678"),
            ("child_first_name", "!", "Vul een naam in.", ""),
            ("remark", "x" * 501, "500 tekens", ""),
        ],
    )
    def test_it_says_what_the_form_says(
        self, visitor: Client, field: str, typed: str, error: str, instead: str
    ) -> None:
        answer = visitor.post("/afspraak/gegevens/veld/", {field: typed}).json()

        assert bool(answer["error"]) == bool(error)
        assert error in answer["error"]
        assert answer["instead"] == instead
        assert answer["question"] == (f"Bedoelde u {instead}?" if instead else "")

    def test_it_says_the_same_as_the_form_that_is_sent(self, visitor: Client) -> None:
        sent = text(fill_in(visitor, email="noor@"))

        assert visitor.post("/afspraak/gegevens/veld/", {"email": "noor@"}).json()["error"] in sent

    def test_it_counts_and_keeps_nothing_else(self, visitor: Client) -> None:
        with CaptureQueriesContext(connection) as captured:
            response = visitor.post("/afspraak/gegevens/veld/", {"email": "noor@gmial.com"})

        asked = [
            query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVE", "RELEA"))
        ]
        assert len(asked) == 1
        assert RateCounter._meta.db_table in asked[0]
        assert "gmial" not in asked[0]
        assert not response.cookies
        assert "no-store" in response["Cache-Control"]

    def test_it_is_asked_only_so_often(self, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limits, "FIELDS", Limit("field", 2, timedelta(minutes=10)))
        answers = [visitor.post("/afspraak/gegevens/veld/", {"email": "noor@"}) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1]["Retry-After"]) > 0
        assert fill_in(visitor).status_code == 302

    def test_the_longest_that_can_be_sent_is_refused_at_once(self, visitor: Client) -> None:
        name = "a" + "\u0301\u0316" * 60_000
        began = time.process_time()
        answer = visitor.post("/afspraak/gegevens/veld/", {"parent_name": name}).json()

        # It took twelve seconds once; the client of the tests takes its time to write such a body.
        assert time.process_time() - began < 2
        assert "100 tekens" in answer["error"]

    def test_it_speaks_the_language_of_its_address(self, visitor: Client) -> None:
        answer = visitor.post("/en/afspraak/gegevens/veld/", {"email": "noor@gmial.com"}).json()

        assert answer["question"] == "Did you mean noor@gmail.com?"

    def test_another_site_cannot_ask(self) -> None:
        refused = Client(enforce_csrf_checks=True).post("/afspraak/gegevens/veld/", {"email": "x"})

        assert refused.status_code == 403

    def test_it_is_no_address_to_read(self, visitor: Client) -> None:
        assert visitor.get("/afspraak/gegevens/veld/").status_code == 405


class TestALikelySlip:
    def test_it_does_not_stand_in_the_way_and_is_asked_about_afterwards(self, visitor: Client) -> None:
        booked = fill_in(visitor, email="noor.de.vries@gmial.com")

        page = text(visitor.get(booked["Location"]))
        # By the link that went to it no address is changed: the practice asks who calls.
        asked = "U vulde een e-mailadres bij gmial.com in. Bedoelde u gmail.com?"
        assert f"{asked} Bel ons dan, dan zetten wij het recht: 06 51001943" in page
        assert "noor.de.vries" not in page

    def test_an_address_without_one_is_not_spoken_of(self, visitor: Client) -> None:
        assert "Bedoelde u" not in text(visitor.get(fill_in(visitor)["Location"]))

    def test_in_a_number_it_is_asked_about_beside_what_is_wrong(self, visitor: Client) -> None:
        response = fill_in(visitor, phone="006 12345678")

        assert response.status_code == 422
        assert "Bedoelde u 06 12345678?" in text(response)
        field = re.search(r'<input[^>]*name="phone"[^>]*>', response.content.decode())
        assert field
        assert re.search(r'aria-describedby="[^"]*\bid_phone_question\b', field[0])


class TestAHoldWhoseCookieIsLost:
    def test_its_family_is_not_told_that_somebody_else_was_first(self, visitor: Client) -> None:
        location = hold(visitor)["Location"]

        page = Client(headers={"accept-language": "nl"}).get(location)

        assert page.status_code == 409
        assert "Dit moment wordt tot 12:10 vastgehouden voor iemand op uw eigen netwerk." in text(page)

    def test_somebody_elsewhere_is_told_that_it_is_taken(self, visitor: Client) -> None:
        location = hold(visitor)["Location"]

        page = Client(REMOTE_ADDR="192.0.2.7").get(location)

        assert page.status_code == 409
        assert "uw eigen netwerk" not in text(page)

    def test_it_can_be_chosen_again_when_it_has_ended(self, visitor: Client, time_machine: Any) -> None:
        location = hold(visitor)["Location"]
        time_machine.move_to(NOW + timedelta(minutes=10))

        assert Client().get(location).status_code == 200


class TestTheHold:
    def test_its_end_is_said_in_words_and_its_length_is_there_for_the_script(self, visitor: Client) -> None:
        page = visitor.get(hold(visitor)["Location"]).content.decode()

        assert "We houden dit moment tot 12:10 uur voor u vrij." in page
        assert 'role="status" data-seconds="600"' in page

    def test_without_one_nothing_is_said(self, visitor: Client) -> None:
        page = visitor.get("/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START}).content.decode()

        assert "data-seconds" not in page
