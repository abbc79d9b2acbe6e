"""What a parent can be told went wrong. Each error carries the sentence that the reader gets to see."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

_MOST_AHEAD: int = settings.OPEN_APPOINTMENTS


class BookingError(Exception):
    """A request that cannot be granted; `str(error)` is a sentence in the reader's language."""

    sentence = _("This is not possible.")
    # What a therapist reads, where the parent's sentence sends her to herself.
    therapists_sentence: str | Promise = ""
    # The name under /api/v1/problems/, and the hook by which a page tells errors apart.
    name = "invalid"

    def __str__(self) -> str:
        return str(self.sentence)

    def to_therapist(self) -> str:
        """Return the sentence for the practice's own side, in the reader's language."""
        return str(self.therapists_sentence or self)


class SlotTaken(BookingError):
    """Someone else holds or booked this time, or it fell out of the diary."""

    sentence = _("This time has just been taken. Please choose another one.")
    name = "slot-taken"


class OutsideBookingWindow(BookingError):
    """The time was never on offer: past, too soon, too far ahead, or not one of the starts."""

    sentence = _("This time cannot be booked. Please choose one of the times that are shown.")
    name = "not-offered"


class NotOffered(BookingError):
    """A time in the working hours that parents cannot choose: no rule for a therapist, but worth a question."""

    sentence = _(
        "Parents cannot choose this time themselves: it is too soon, too far ahead, between the times, "
        "or the day is full."
    )
    name = "unoffered"


class OutsideHours(NotOffered):
    """A time outside the working hours."""

    sentence = _("This lies outside the working hours.")


class InTimeOff(OutsideHours):
    """A time in which the therapist is away, or on a public holiday; `reasons` says why, where that is known."""

    sentence = _("There is time off at this time.")

    def __init__(self, reasons: Iterable[str]) -> None:
        super().__init__()
        self.reasons = [reason for reason in dict.fromkeys(reasons) if reason]

    def __str__(self) -> str:
        if not self.reasons:
            return super().__str__()
        return gettext("There is time off at this time: %(reasons)s.") % {"reasons": ", ".join(self.reasons)}


class InThePast(BookingError):
    """What has been cannot be booked, or moved to."""

    sentence = _("This lies in the past. Please choose a time to come.")
    name = "in-the-past"


class TooLateToChange(BookingError):
    """A parent can no longer move or cancel by the link; the practice can."""

    sentence = _("It is too late to change this appointment here. Please call the practice.")
    therapists_sentence = _("This appointment has begun already, so this can no longer be done.")
    name = "too-late"


class TooEarlyToMark(BookingError):
    """Whether a family came is known only once the appointment has begun."""

    sentence = _("This appointment has not begun yet.")
    name = "too-early"


class AlreadyCancelled(BookingError):
    """A cancelled appointment stays cancelled; a new one is booked instead."""

    sentence = _("This appointment was cancelled. You can book a new one.")
    therapists_sentence = _("This appointment is cancelled already, and stays so.")
    name = "cancelled"


class AlreadyChanged(BookingError):
    """Someone else changed the appointment after this page was opened."""

    sentence = _("This appointment was changed in the meantime. Please look at it again.")
    name = "changed"


class IdempotencyConflict(BookingError):
    """The same key came with another request (draft-ietf-httpapi-idempotency-key-header §2.7)."""

    sentence = _("With this form an appointment was already made. Look in your mail for the link to change it.")
    name = "idempotency-conflict"


class Busy(BookingError):
    """The database could not give the lock in time; nothing was written."""

    sentence = _("It is very busy just now. Nothing was booked yet; please try once more.")
    name = "busy"


class NoRoom(Busy):
    """The disk of the database is full; nothing was written, and it goes on once there is room."""

    sentence = _(
        "Nothing can be written down just now, so nothing was booked or changed. Please call the practice."
    )


class KeysMissing(Busy):
    """None of FIELD_KEYS reads what was typed; nothing was written, and it goes on once the key is back."""

    sentence = _("What you filled in cannot be read just now, so nothing was booked. Please call the practice.")


class TooManyRequests(BookingError):
    """A rate limit was reached; `retry_after` says in how many seconds to come back.

    Where it is the share `of_mailbox`, it is never said which: of bookings today, or of appointments ahead.
    Whoever asks may have typed somebody else's address.
    """

    sentence = _("That was a lot at once. Please try again later, or call the practice.")
    name = "too-many-requests"

    def __init__(self, retry_after: int, *, of_mailbox: bool = False) -> None:
        super().__init__()
        self.retry_after, self.of_mailbox = retry_after, of_mailbox

    def __str__(self) -> str:
        if not self.of_mailbox:
            return super().__str__()
        return ngettext(
            "With this email address no more can be booked here now: at most %(most)d appointment can lie ahead, "
            "and only a few can be made in a day. You can move or cancel one by the link in its email. "
            "Do you need one more? Please call us.",
            "With this email address no more can be booked here now: at most %(most)d appointments can lie ahead, "
            "and only a few can be made in a day. You can move or cancel one by the link in its email. "
            "Do you need one more? Please call us.",
            _MOST_AHEAD,
        ) % {"most": _MOST_AHEAD}


class ConfirmationNeeded(BookingError):
    """So much is booked at once that this booking stands only once the family confirmed it by mail."""

    sentence = _("Many appointments are made at once just now. Please confirm this one by the link in our mail.")
    name = "confirmation-needed"
