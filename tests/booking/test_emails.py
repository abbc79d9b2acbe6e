"""Each mail in each language, read as its recipient's mail program reads it."""

import re
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import sanitize_address
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language, override

from booking import emails, history, invitations, links
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    NotificationState,
    Parent,
    Place,
    State,
    Therapist,
)
from practice.models import Practice
from practice.translations import Translated
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_notification,
    make_parent,
    make_practice,
    make_therapist,
    make_type,
    wall,
)

pytestmark = pytest.mark.django_db

NOW = wall("2026-10-20 09:00")
TO_PARENT = [
    *(Kind.CONFIRMATION, Kind.REMINDER, Kind.MOVED, Kind.ASK_TO_MOVE, Kind.ASK_WITHDRAWN, Kind.CANCELLED),
]
TO_THERAPIST = [Kind.NEW_BOOKING, Kind.MOVED, Kind.CANCELLED]
DAYS = {
    ("2026-10-25", "nl"): "zondag 25 oktober 2026",
    ("2026-10-25", "en"): "Sunday 25 October 2026",
    ("2027-03-28", "nl"): "zondag 28 maart 2027",
    ("2027-03-28", "en"): "Sunday 28 March 2027",
}
TIMES = {"nl": "10:00 tot 11:00 uur", "en": "10:00 to 11:00"}
ZONES = {"nl": "tijd in Amsterdam", "en": "time in Amsterdam"}
languages = pytest.mark.parametrize("language", ["nl", "en"])
changes = pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28"])


@pytest.fixture(autouse=True)
def practice() -> Practice:
    return make_practice(nfg="8543", kvk="66542189")


def book(*, start: str = "2026-10-25 10:00", language: str = "nl", **fields: Any) -> Appointment:
    """Make an appointment of a therapist and a family who both read `language`."""
    appointment_type = fields.pop("appointment_type", None)
    if appointment_type is None:
        therapist = make_therapist(language=language, name="Demo Therapeut", email="therapeut@example.org")
        appointment_type = make_type(
            therapist, description=Translated(nl="We maken rustig kennis.", en="We get to know each other.")
        )
    appointment = make_appointment(appointment_type, start=start, **fields)
    appointment.parents.update(language=language)
    return appointment


def cancelled(by: Actor = Actor.PARENT, **fields: Any) -> dict[str, Any]:
    return {"state": State.CANCELLED, "cancelled_at": NOW, "cancelled_by": by, "sequence": 1, **fields}


def to_parent(appointment: Appointment, kind: Kind = Kind.CONFIRMATION) -> Notification:
    return make_notification(kind, appointment=appointment)


def to_therapist(appointment: Appointment, kind: Kind = Kind.NEW_BOOKING) -> Notification:
    return make_notification(kind, appointment=appointment, therapist=appointment.therapist)


def overview(therapist: Therapist, day: date = date(2026, 10, 25)) -> Notification:
    return make_notification(Kind.OVERVIEW, therapist=therapist, local_day=day)


def mails(appointment: Appointment) -> list[EmailMultiAlternatives]:
    """Return every mail there can be about `appointment`."""
    notifications = [
        *(to_parent(appointment, kind) for kind in TO_PARENT),
        *(to_therapist(appointment, kind) for kind in TO_THERAPIST),
        overview(appointment.therapist, appointment.start.astimezone(AMSTERDAM).date()),
    ]
    return [emails.compose(notification, now=NOW) for notification in notifications]


def wire(message: EmailMultiAlternatives) -> bytes:
    """Return `message` as it is handed to the mail server."""
    content: bytes = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    return content


def parsed(message: EmailMultiAlternatives) -> ParsedMessage:
    """Return `message` as it is read from the wire."""
    found = message_from_bytes(wire(message), policy=policy.default)
    assert isinstance(found, ParsedMessage)
    return found


def text_of(message: EmailMultiAlternatives) -> str:
    part = parsed(message).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(message: EmailMultiAlternatives) -> str:
    part = parsed(message).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def seen(html: str) -> str:
    """Return what a reader of `html` sees."""
    return unescape(re.sub(r"(?s)<head>.*</head>|<[^>]+>", " ", html))


def source_of(message: EmailMultiAlternatives) -> str:
    """Return all of `message`, decoded: headers, texts, invitation."""
    whole = parsed(message)
    headers = [f"{name}: {value}" for part in whole.walk() for name, value in part.items()]
    bodies = [bytes(part.get_payload(decode=True)).decode() for part in whole.walk() if not part.is_multipart()]
    return "\n".join([*headers, *bodies]).replace("\r\n ", "")


def test_an_address_kept_before_there_was_one_spelling_is_mailed_in_it() -> None:
    make_practice(email="info@stra\u00dfe.example")
    appointment = book()
    Parent.objects.update(email="no\u200eor@Stra\u00dfe.example")
    message = emails.compose(to_parent(Appointment.objects.get(pk=appointment.pk)), now=NOW)

    assert message.to == ["noor@xn--strae-oqa.example"]
    assert sanitize_address(message.to[0], "utf-8") == message.to[0]
    for header, name in (("To", "noor"), ("From", "info"), ("Reply-To", "info")):
        assert f"{name}@xn--strae-oqa.example" in parsed(message)[header]
    assert "mailto:noor@xn--strae-oqa.example" in source_of(message)


def test_a_sender_of_its_own_has_one_spelling_too(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Afspraken <afspraken@b\u00fccher.example>"

    assert emails.sender(Practice.load()) == "Afspraken <afspraken@xn--bcher-kva.example>"


@languages
@changes
@pytest.mark.parametrize("kind", TO_PARENT)
def test_a_parent_reads_what_when_where_and_how_to_change_it(kind: Kind, day: str, language: str) -> None:
    appointment = book(start=f"{day} 10:00", language=language, **(cancelled() if kind == Kind.CANCELLED else {}))
    message = emails.compose(to_parent(appointment, kind), now=NOW)

    assert DAYS[day, language] in message.subject
    assert "10:00" in message.subject
    url = links.manage_url(appointment.parents.get())
    if kind == Kind.CANCELLED:
        site = {"nl": "http://testserver", "en": "http://testserver/en"}[language]
        url = f"{site}/afspraak/?type={appointment.appointment_type.slug}"
    for content, link in ((text_of(message), url), (html_of(message), f'href="{url}"')):
        assert link in content
        for fact in (
            DAYS[day, language],
            TIMES[language],
            ZONES[language],
            {"nl": "Eerste afspraak", "en": "First consultation"}[language],
            "Duim Voor Jou, Platanenlaan 21, 5507 ME Veldhoven",
            "info@duimvoorjou.nl",
        ):
            assert fact in content


@languages
@changes
@pytest.mark.parametrize("kind", TO_THERAPIST)
def test_a_therapist_reads_time_and_type_and_goes_to_the_agenda(kind: Kind, day: str, language: str) -> None:
    appointment = book(start=f"{day} 10:00", language=language)
    message = emails.compose(to_therapist(appointment, kind), now=NOW)

    url = links.agenda_url(appointment)
    assert message.to == ["therapeut@example.org"]
    assert f"{DAYS[day, language]}, 10:00" in message.subject
    for content, link in ((text_of(message), url), (html_of(message), f'href="{url}"')):
        assert link in content
        assert DAYS[day, language] in content
        assert TIMES[language] in content
        assert {"nl": "Eerste afspraak", "en": "First consultation"}[language] in content


@languages
@pytest.mark.parametrize("kind", TO_THERAPIST)
def test_a_manager_reads_whose_it_was_where_she_left(kind: Kind, language: str) -> None:
    """Of a colleague's appointment that is taken care of no more the manager's own day tells nothing."""
    appointment = book(language=language)
    bob = make_therapist(language=language, email="bob@praktijk.example")
    make_appointment(therapist=bob, start="2026-10-25 15:00")
    Therapist.objects.filter(pk=appointment.therapist_id).update(
        user=User.objects.create(username="left", is_active=False)
    )
    appointment = Appointment.objects.get(pk=appointment.pk)

    message = emails.compose(make_notification(kind, appointment=appointment, therapist=bob), now=NOW)

    sentence = {
        "nl": "Deze afspraak is bij Demo Therapeut, van wie het account gesloten is.",
        "en": "This appointment is with Demo Therapeut, whose account is closed.",
    }[language]
    assert message.to == ["bob@praktijk.example"]
    for content in (text_of(message), html_of(message)):
        assert sentence in " ".join(content.split())
        assert "15:00" not in content
        assert links.agenda_url(appointment) in content
        assert {"nl": "bij u", "en": "with you"}[language] not in content


def test_the_confirmation_tells_all_a_parent_must_know() -> None:
    appointment = book(start="2026-10-25 10:00", language="en")
    message = emails.compose(to_parent(appointment), now=NOW)

    url = links.manage_url(appointment.parents.get())
    assert message.subject == "Your appointment: Sunday 25 October 2026, 10:00"
    assert (
        text_of(message)
        == f"""\
Your appointment is made

Thank you for your trust. In this mail you find everything about your appointment.

When: Sunday 25 October 2026, 10:00 to 11:00 (time in Amsterdam)
What: First consultation
Where: Duim Voor Jou, Platanenlaan 21, 5507 ME Veldhoven
With: Demo Therapeut

Look at, move or cancel the appointment:
{url}
You can do that until Saturday 24 October, 11:00. After that, please call us.

What to expect

We get to know each other.

You are welcome at the practice at 10:00. Are you held up? Please call us: +31 6 51001943. What it is about, you \
need not put in a mail: there is time for that in the appointment itself.

Consent to treatment

This appointment can be made by one parent. Treatment of a child younger than 16 needs the consent of every \
parent with authority: where there are two, of both, divorced or not.

In your calendar

The appointment is attached, for your calendar. Declining or deleting it there cancels nothing: for that, please \
use the link.

Your data

We erase your data on 24 November 2026. Through the link you can have it done earlier.

--
You get this mail because this address was given for an appointment with Duim Voor Jou. Was that not you? Then \
please call or mail us.

Duim Voor Jou, child therapy
Platanenlaan 21, 5507 ME Veldhoven
+31 6 51001943
info@duimvoorjou.nl
NFG membership number 8543, KvK number 66542189
"""
    )


@languages
def test_html_and_text_say_the_same(language: str) -> None:
    appointment = book(language=language)

    for message in mails(appointment):
        words, shown = (re.findall(r"\w+", text) for text in (text_of(message), seen(html_of(message))))
        # An address to go to is a link there, with words of its own.
        links_only = re.findall(r"\w+", " ".join(re.findall(r"https?://\S+", text_of(message))))
        assert set(words) - set(links_only) <= set(shown)


@languages
def test_nothing_is_left_untranslated_or_unfilled(language: str) -> None:
    for message in mails(book(language=language)):
        source = source_of(message)
        assert f'<html lang="{language}">' in source
        assert re.findall(r"%\(|\{\{|\{%|None", source) == []
        if language == "nl":
            assert re.findall(r"\b(?:appointment|please|your|the)\b", seen(html_of(message))) == []


@languages
def test_no_mail_says_anything_about_the_family(language: str) -> None:
    private = ["Quirijn", "Bijzonderheden", "Verhuizing", "Xantippe", "Zonderling", "87654321", "16_plus"]
    appointment = book(
        language=language,
        child_first_name="Quirijn",
        age_band="16_plus",
        remark="Bijzonderheden",
        **cancelled(cancel_reason="Verhuizing"),
    )
    Parent.objects.update(name="Xantippe Zonderling", phone="+31687654321")
    make_parent(appointment, name="Xantippe Zonderling", email="other@example.org")

    for message in mails(appointment):
        source = source_of(message)
        assert [word for word in private if word in source] == []
        assert "other@example.org" not in source
        assert ("noor@example.org" in source) == (message.to == ["noor@example.org"])


def test_a_parent_too_late_to_change_is_asked_to_call() -> None:
    appointment = book(start="2026-10-25 10:00", language="en")
    limit = appointment.can_change_until

    at, after = (
        text_of(emails.compose(to_parent(appointment, Kind.REMINDER), now=now))
        for now in (limit, limit + timedelta(seconds=1))
    )

    assert "You can do that until Saturday 24 October, 11:00." in at
    assert "move or cancel the appointment:" not in after
    assert (
        "You can no longer move or cancel by the link. Something came up? Please call us: +31 6 51001943." in after
    )


@pytest.mark.parametrize(
    ("place", "where", "expect"),
    [
        (Place.PHONE, "By phone: the practice calls you.", "The practice calls you at 10:00"),
        (
            Place.VIDEO,
            "By video: the practice sends you the link.",
            "The practice sends you the link before 10:00",
        ),
    ],
)
def test_an_appointment_elsewhere_gives_no_address_to_go_to(place: Place, where: str, expect: str) -> None:
    appointment = book(appointment_type=make_type(make_therapist(), place=place), language="en")
    text = text_of(emails.compose(to_parent(appointment), now=NOW))

    assert f"\nWhere: {where}\n" in text
    assert expect in text


def test_a_video_call_is_entered_from_the_mail() -> None:
    url = "https://bellen.example/kamer-3"
    appointment = book(
        appointment_type=make_type(make_therapist(), place=Place.VIDEO, video_url=url), language="en"
    )
    text = text_of(emails.compose(to_parent(appointment), now=NOW))

    assert f"\nWhere: {url}\n" in text
    assert f"At 10:00 you enter the call here: {url} " in text


@pytest.mark.parametrize(
    ("fields", "erased"),
    [
        ({}, "We erase your data on 19 November 2026."),
        ({"erase_requested_at": NOW}, "That happens as soon as the last mail is out, within 24 hours."),
    ],
    ids=["by itself", "asked for"],
)
def test_a_cancellation_says_when_the_data_goes(fields: dict[str, Any], erased: str) -> None:
    appointment = book(start="2026-12-01 10:00", language="en", **cancelled(**fields))

    assert erased in text_of(emails.compose(to_parent(appointment, Kind.CANCELLED), now=NOW))


def test_the_day_of_erasure_follows_the_setting_and_the_practice_s_zone(settings: Any) -> None:
    settings.ERASE_AFTER_DAYS = 10
    # It ends at 00:30 local time on 26 October, which is still the 25th in UTC.
    appointment = book(start="2026-10-25 23:30", language="en")

    assert "We erase your data on 5 November 2026." in text_of(emails.compose(to_parent(appointment), now=NOW))


@pytest.mark.parametrize(
    ("by", "to_family", "to_practice"),
    [
        (Actor.PARENT, "You need not do anything more.", "The family cancelled this appointment."),
        (Actor.THERAPIST, "We are sorry: the practice had to cancel", "The practice cancelled this appointment."),
    ],
)
def test_a_cancellation_says_who_cancelled(by: Actor, to_family: str, to_practice: str) -> None:
    appointment = book(language="en", **cancelled(by))
    history.record(appointment, Action.CANCELLED, by=by, at=NOW)

    assert to_family in text_of(emails.compose(to_parent(appointment, Kind.CANCELLED), now=NOW))
    assert to_practice in text_of(emails.compose(to_therapist(appointment, Kind.CANCELLED), now=NOW))


def test_who_asked_to_be_erased_by_phone_reads_no_excuse() -> None:
    appointment = book(language="en", **cancelled(Actor.THERAPIST), erase_requested_at=NOW)

    said = text_of(emails.compose(to_parent(appointment, Kind.CANCELLED), now=NOW))

    assert "We are sorry" not in said
    assert "You asked us to erase your data." in said


def test_who_reads_a_language_that_the_site_no_longer_speaks_is_written_in_its_first() -> None:
    appointment = book(language="de")

    message = emails.compose(to_parent(appointment), now=NOW)

    assert "zondag 25 oktober" in text_of(message)
    assert '<html lang="nl"' in html_of(message)
    assert "/de/" not in html_of(message)


@pytest.mark.parametrize(
    ("kind", "action", "by_family", "by_colleague"),
    [
        (Kind.NEW_BOOKING, Action.BOOKED, "A family made an appointment", "A colleague booked this appointment"),
        (Kind.MOVED, Action.MOVED, "The family moved this appointment.", "A colleague moved this appointment."),
    ],
)
def test_a_therapist_reads_who_did_it(kind: Kind, action: Action, by_family: str, by_colleague: str) -> None:
    appointment = book(language="en")
    history.record(appointment, action, by=Actor.PARENT, at=NOW)
    assert by_family in text_of(emails.compose(to_therapist(appointment, kind), now=NOW))

    history.record(appointment, action, by=Actor.THERAPIST, at=NOW)
    assert by_colleague in text_of(emails.compose(to_therapist(appointment, kind), now=NOW))


@pytest.mark.parametrize(
    ("language", "was"),
    [
        ("nl", "Eerst was het op donderdag 22 oktober 2026, 09:30."),
        ("en", "Before, it was on Thursday 22 October 2026, 09:30."),
    ],
)
def test_a_moved_mail_names_the_last_moment_that_no_longer_holds(language: str, was: str) -> None:
    appointment = book(language=language)
    Therapist.objects.update(language=language)
    appointment.refresh_from_db()
    for start_before in (wall("2026-10-21 09:30"), wall("2026-10-22 09:30")):
        history.record(appointment, Action.MOVED, by=Actor.PARENT, at=NOW, start_before=start_before)

    for owed in (to_parent(appointment, Kind.MOVED), to_therapist(appointment, Kind.MOVED)):
        message = emails.compose(owed, now=NOW)
        assert was in text_of(message)
        assert was in seen(html_of(message))
    assert "09:30" not in text_of(emails.compose(to_parent(appointment, Kind.REMINDER), now=NOW))


WAYS_TO_HEAR = [
    (NotificationState.SENT, "Before, it was on Wednesday 21 October 2026, 09:30."),
    (NotificationState.VOID, "Before, it was on Tuesday 20 October 2026, 09:30."),
    # Moved without a mail: it was agreed upon by phone.
    (None, "Before, it was on Wednesday 21 October 2026, 09:30."),
]


@pytest.mark.parametrize(("heard", "was"), WAYS_TO_HEAR)
def test_a_family_reads_the_moment_that_it_knows(heard: NotificationState | None, was: str) -> None:
    appointment = book(language="en")
    for start_before in (wall("2026-10-20 09:30"), wall("2026-10-21 09:30")):
        history.record(appointment, Action.MOVED, by=Actor.THERAPIST, at=NOW, start_before=start_before)
    if heard:
        stamps = {"sent_at": NOW} if heard == NotificationState.SENT else {}
        make_notification(Kind.MOVED, appointment=appointment, sequence=1, state=heard, **stamps)
    appointment.sequence = 2

    assert was in text_of(emails.compose(to_parent(appointment, Kind.MOVED), now=NOW))


def test_a_confirmation_tells_a_moment_as_well() -> None:
    appointment = book(language="en")
    for start_before in (wall("2026-10-20 09:30"), wall("2026-10-21 09:30")):
        history.record(appointment, Action.MOVED, by=Actor.THERAPIST, at=NOW, start_before=start_before)
    make_notification(Kind.MOVED, appointment=appointment, sequence=1, state=NotificationState.FAILED)
    make_notification(appointment=appointment, sequence=1, state=NotificationState.SENT, sent_at=NOW)
    appointment.sequence = 2

    message = emails.compose(to_parent(appointment, Kind.MOVED), now=NOW)

    assert "Before, it was on Wednesday 21 October 2026, 09:30." in text_of(message)


def test_who_is_moved_back_before_hearing_of_it_reads_no_other_moment() -> None:
    appointment = book(language="en")
    for start_before in (appointment.start, wall("2026-10-21 09:30")):
        history.record(appointment, Action.MOVED, by=Actor.THERAPIST, at=NOW, start_before=start_before)
    make_notification(Kind.MOVED, appointment=appointment, sequence=1, state=NotificationState.VOID)
    appointment.sequence = 2

    assert "Before, it was" not in text_of(emails.compose(to_parent(appointment, Kind.MOVED), now=NOW))


def test_mails_say_the_place_that_the_family_was_told() -> None:
    appointment = book(language="en")
    AppointmentType.objects.update(place=Place.PHONE)
    appointment = Appointment.objects.get()

    confirmation = emails.compose(to_parent(appointment, Kind.CONFIRMATION), now=NOW)
    reminder = emails.compose(to_parent(appointment, Kind.REMINDER), now=NOW)

    assert "You are welcome at the practice at 10:00." in text_of(confirmation)
    for message in (confirmation, reminder):
        assert "Platanenlaan 21" in text_of(message)
        assert "the practice calls you" not in text_of(message)


def test_a_therapist_reads_with_whom_an_appointment_is_that_was_hers() -> None:
    appointment = book(language="en")
    bob = make_therapist(language="en", name="Bob", email="bob@example.org")

    message = emails.compose(make_notification(Kind.MOVED, appointment=appointment, therapist=bob), now=NOW)
    hers = emails.compose(to_therapist(appointment, Kind.MOVED), now=NOW)

    for said in (text_of(message), html_of(message)):
        assert "It is now with Demo Therapeut, and no longer with you." in said
    # She may look at her own agenda, and not at a colleague's appointment.
    assert str(appointment.public_id) not in html_of(message)
    assert "no longer with you" not in text_of(hers)


@pytest.mark.parametrize("kind", [Kind.MOVED, Kind.CANCELLED])
def test_a_therapist_reads_whether_the_family_hears_of_it(kind: Kind) -> None:
    appointment = book(language="en")
    to_her = to_therapist(appointment, kind)
    assert "The family gets no mail about it." in text_of(emails.compose(to_her, now=NOW))

    to_parent(appointment, kind)
    assert "The family gets a mail about it too." in text_of(emails.compose(to_her, now=NOW))


@pytest.mark.parametrize("kind", TO_THERAPIST)
def test_a_therapist_reads_what_else_that_day_holds(kind: Kind) -> None:
    appointment = book(language="en")
    alone = text_of(emails.compose(to_therapist(appointment, kind), now=NOW))
    assert "You have no other appointments on this day." in alone

    earlier = book(start="2026-10-25 08:00", appointment_type=appointment.appointment_type)
    book(start="2026-10-25 14:00", appointment_type=appointment.appointment_type, **cancelled())
    book(start="2026-10-26 09:00", appointment_type=appointment.appointment_type)
    message = emails.compose(to_therapist(appointment, kind), now=NOW)

    for content in (text_of(message), seen(html_of(message))):
        assert re.findall(r"\d\d:\d\d to \d\d:\d\d", content.partition("Also on this day")[2]) == [
            "08:00 to 09:00"
        ]
    assert links.agenda_url(earlier) in html_of(message)


@languages
def test_who_is_asked_to_move_goes_straight_to_the_other_times(language: str) -> None:
    appointment = book(language=language)
    message = emails.compose(to_parent(appointment, Kind.ASK_TO_MOVE), now=NOW)

    url = links.reschedule_url(appointment.parents.get())
    assert url in text_of(message)
    assert f'href="{url}"' in html_of(message)


@languages
@pytest.mark.parametrize("kind", [Kind.REMINDER, Kind.CONFIRMATION, Kind.MOVED])
def test_the_old_time_is_not_told_as_one_that_stands_while_another_is_asked_for(kind: Kind, language: str) -> None:
    appointment = book(language=language, asked_to_move_at=NOW - timedelta(days=1))
    message = emails.compose(to_parent(appointment, kind), now=NOW)

    choose = {"nl": "een ander moment", "en": "choose another moment"}[language]
    stands = {
        "nl": "komt eraan|dichtbij|is gemaakt|is verzet|U bent welkom",
        "en": "is near|remind you|is made|has moved|You are welcome",
    }
    for content in (str(message.subject), text_of(message), seen(html_of(message))):
        assert choose in content
        assert not re.search(stands[language], content)
    for content in (text_of(message), html_of(message)):
        assert links.reschedule_url(appointment.parents.get()) in content
        assert Practice.load().phone_shown[-6:] in content
    if kind != Kind.REMINDER:
        assert "STATUS:TENTATIVE" in source_of(message)


@languages
def test_a_family_is_told_that_the_old_time_stands_after_all(language: str) -> None:
    appointment = book(language=language)
    message = emails.compose(to_parent(appointment, Kind.ASK_WITHDRAWN), now=NOW)

    stands = {"nl": "gaat toch door", "en": "stands after all"}[language]
    for content in (str(message.subject), text_of(message), seen(html_of(message))):
        assert stands in content
        assert "10:00" in content
    assert "STATUS:CONFIRMED" in source_of(message)


def test_a_reminder_speaks_of_the_time_again_once_the_request_is_withdrawn() -> None:
    appointment = book(language="en", asked_to_move_at=NOW - timedelta(days=1))
    reminder = to_parent(appointment, Kind.REMINDER)
    assert "Once more" in str(emails.compose(reminder, now=NOW).subject)

    Appointment.objects.update(asked_to_move_at=None)
    reminder = Notification.objects.get()

    assert "Reminder of your appointment" in str(emails.compose(reminder, now=NOW).subject)


def test_her_own_mails_say_who_has_not_answered() -> None:
    asked = book(language="en", start="2026-10-25 10:00", asked_to_move_at=NOW)
    other = book(start="2026-10-25 12:00", appointment_type=asked.appointment_type)

    for message in (
        emails.compose(overview(asked.therapist), now=NOW),
        emails.compose(to_therapist(other), now=NOW, beside=None),
    ):
        for content in (text_of(message), seen(html_of(message))):
            assert content.count("asked to choose another time, has not answered") == 1


@languages
@changes
def test_the_overview_lists_the_confirmed_appointments_of_the_whole_local_day(day: str, language: str) -> None:
    first = book(start=f"{day} 00:00", language=language)
    last = book(start=f"{day} 23:30", appointment_type=first.appointment_type)
    book(start=f"{day} 12:00", appointment_type=first.appointment_type, **cancelled())
    book(start=f"{day} 13:00")
    before, after = (datetime.fromisoformat(day) + timedelta(days=days, hours=12) for days in (-1, 1))
    for other in (before, after):
        book(start=f"{other:%Y-%m-%d %H:%M}", appointment_type=first.appointment_type)
    message = emails.compose(overview(first.therapist, date.fromisoformat(day)), now=NOW)

    assert (
        message.subject
        == {
            "nl": f"2 afspraken op {DAYS[day, 'nl']}, vanaf 00:00",
            "en": f"2 appointments on {DAYS[day, 'en']}, from 00:00",
        }[language]
    )
    assert re.findall(r"^(\d\d:\d\d) .*: (.*), .*\n(.*)$", text_of(message), re.MULTILINE) == [
        ("00:00", {"nl": "Eerste afspraak", "en": "First consultation"}[language], links.agenda_url(first)),
        ("23:30", {"nl": "Eerste afspraak", "en": "First consultation"}[language], links.agenda_url(last)),
    ]
    for appointment in (first, last):
        assert f'href="{links.agenda_url(appointment)}"' in html_of(message)


@pytest.mark.parametrize("number", [1, 3])
def test_the_overview_costs_as_many_queries_for_three_as_for_one(
    number: int, django_assert_num_queries: Any
) -> None:
    first = book()
    for hour in range(11, 10 + number):
        book(start=f"2026-10-25 {hour}:00", appointment_type=first.appointment_type)
    notification = overview(first.therapist)

    with django_assert_num_queries(2):
        emails.compose(notification, now=NOW)


def test_a_link_to_choose_a_password_goes_to_the_address_that_signs_in() -> None:
    user = User.objects.create(username="alice@praktijk.example", email="alice@praktijk.example")
    alice = make_therapist(user=user, email="alice@thuis.example")

    assert emails.compose(make_notification(Kind.PASSWORD_LINK, therapist=alice), now=NOW).to == [user.email]


def test_its_headers_name_the_practice_and_the_one_recipient() -> None:
    notification = to_parent(book())
    message = parsed(emails.compose(notification, now=NOW))

    assert message["From"] == "Duim Voor Jou <info@duimvoorjou.nl>"
    assert message["Reply-To"] == "Duim Voor Jou <info@duimvoorjou.nl>"
    assert message["To"] == "noor@example.org"
    assert message["Message-ID"] == notification.message_id
    assert message["Date"] == "Tue, 20 Oct 2026 09:00:00 +0200"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Cc"] is message["Bcc"] is None


def test_another_sender_can_be_set(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Afspraken <afspraken@example.org>"
    message = parsed(emails.compose(to_parent(book()), now=NOW))

    assert message["From"] == "Afspraken <afspraken@example.org>"
    assert message["Reply-To"] == "Duim Voor Jou <info@duimvoorjou.nl>"


def test_a_name_cannot_add_a_header() -> None:
    make_practice(name="Zeeën, “Duim”\r\nBcc: mallory@example.org\r\n\r\n<b>Hello</b>")
    therapist = make_therapist(name="T\r\nBcc: mallory@example.org")
    appointment_type = make_type(therapist, name=Translated(nl="Kennismaken\r\nBcc: mallory@example.org"))

    for message in mails(book(appointment_type=appointment_type)):
        headers = parsed(message)
        assert headers["Bcc"] is None
        (sender,) = headers["From"].addresses
        assert sender.display_name == "Zeeën, “Duim” Bcc: mallory@example.org <b>Hello</b>"
        assert sender.addr_spec == "info@duimvoorjou.nl"
        assert "\n" not in message.subject


@pytest.mark.parametrize(
    "address",
    [
        "",
        "noor",
        "noor@example.org\r\nBcc: mallory@example.org",
        "noor@example.org, mallory@example.org",
        "a\0@b.nl",
    ],
)
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    notification = to_parent(book())
    assert notification.parent is not None
    notification.parent.email = address

    with pytest.raises(ValidationError):
        emails.compose(notification, now=NOW)


def test_html_is_escaped_and_text_is_not() -> None:
    make_practice(name="Jip & <i>Janneke</i>")
    for message in mails(book()):
        assert "Jip & <i>Janneke</i>" in text_of(message)
        assert "<i>" not in html_of(message)
        assert "Jip &amp; &lt;i&gt;Janneke&lt;/i&gt;" in html_of(message)


def test_html_loads_nothing_from_anywhere() -> None:
    for message in mails(book()):
        assert re.findall(r"(?i)<img|<link|<script|src=|url\(|@import|@font-face", html_of(message)) == []
        assert {
            re.sub(r"^(https?://[^/]+|mailto|tel).*", r"\1", address)
            for address in re.findall(r'href="([^"]+)"', html_of(message))
        } == {"http://testserver", "mailto", "tel"}


def test_each_reader_gets_their_own_language_and_nothing_of_it_stays_behind() -> None:
    appointment = book(language="en")
    Therapist.objects.update(language="nl")
    appointment.refresh_from_db()
    with override("nl"):
        parents = emails.compose(to_parent(appointment, Kind.MOVED), now=NOW)
        therapists = emails.compose(to_therapist(appointment, Kind.MOVED), now=NOW)
        after = (get_language(), get_current_timezone_name())

    assert parents.subject.startswith("Your appointment has moved to Sunday")
    assert therapists.subject.startswith("Verzet: een afspraak naar zondag")
    assert after == ("nl", "UTC")


@pytest.mark.parametrize(
    ("kind", "method"),
    [(Kind.CONFIRMATION, "REQUEST"), (Kind.MOVED, "REQUEST"), (Kind.CANCELLED, "CANCEL")],
)
def test_the_invitation_comes_twice_and_byte_for_byte(kind: Kind, method: invitations.Method) -> None:
    appointment = book(sequence=1)
    practice, parent = Practice.load(), appointment.parents.get()
    expected = invitations.invitation(appointment, parent, practice, method=method, now=NOW)
    message = parsed(emails.compose(to_parent(appointment, kind), now=NOW))

    assert message.get_content_type() == "multipart/mixed"
    alternatives, attachment = message.iter_parts()
    assert [part.get_content_type() for part in alternatives.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    *_, calendar = alternatives.iter_parts()
    assert dict(calendar["Content-Type"].params) == {"method": method, "charset": "utf-8"}
    assert calendar.get_payload(decode=True) == expected
    assert f"\r\nMETHOD:{method}\r\n".encode() in expected
    assert attachment.get_content_type() == "application/ics"
    assert attachment["Content-Transfer-Encoding"] == "base64"
    assert attachment.get_filename() == "afspraak.ics"
    assert attachment.get_payload(decode=True) == expected


def test_who_needs_no_invitation_gets_none() -> None:
    appointment = book()
    notifications = [
        to_parent(appointment, Kind.REMINDER),
        *(to_therapist(appointment, kind) for kind in TO_THERAPIST),
        overview(appointment.therapist),
    ]

    for notification in notifications:
        message = emails.compose(notification, now=NOW)
        assert [part.get_content_type() for part in parsed(message).walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]


def test_its_lines_fit_the_wire() -> None:
    make_practice(name="ë" * 100, description=Translated(nl="x" * 2000))

    for message in mails(book()):
        # RFC 5322 §2.1.1
        assert max(map(len, wire(message).split(b"\r\n"))) <= 998


def test_its_date_is_the_moment_it_was_made() -> None:
    message = parsed(emails.compose(to_parent(book()), now=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)))

    assert message["Date"] == "Sun, 25 Oct 2026 02:30:00 +0100"
