"""What can go wrong in the API, as `application/problem+json` (RFC 9457)."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.responses import Response

from booking.errors import BookingError, Busy, IdempotencyConflict, OutsideBookingWindow, TooManyRequests
from booking.links import DeadLink

security = logging.getLogger("security")
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of problem: its status, its title, and what a caller can do about it."""

    status: int
    title: Promise
    advice: Promise


KINDS = {
    "malformed": Kind(
        400,
        gettext_lazy("The request cannot be read"),
        gettext_lazy("The body must be JSON (RFC 8259) in UTF-8, and arrive whole."),
    ),
    "idempotency-key-missing": Kind(
        400,
        gettext_lazy("The Idempotency-Key header is missing"),
        gettext_lazy(
            "Booking needs a header “Idempotency-Key” with a text of your own of 1 to 255 characters, such as a"
            " new UUID. Send the same one again when you repeat a request, so that it books only once."
        ),
    ),
    "key-required": Kind(
        401,
        gettext_lazy("An integration key is needed"),
        gettext_lazy("Booking through the API needs “Authorization: Bearer” with a key of this practice."),
    ),
    "https-required": Kind(
        403,
        gettext_lazy("This can only be called over https"),
        gettext_lazy(
            "What you sent went over the open net, your key included. Call https:// instead, and ask the practice"
            " for a new key."
        ),
    ),
    "booking-off": Kind(
        403,
        gettext_lazy("This practice takes no bookings through the API"),
        gettext_lazy("Free times can be read here. Booking is done on the website, or by phone."),
    ),
    "not-found": Kind(
        404,
        gettext_lazy("There is nothing here"),
        gettext_lazy(
            "The address, the appointment type, the therapist or the token is not known, or not any more. A token"
            " ends when the family's data are erased."
        ),
    ),
    "method-not-allowed": Kind(
        405,
        gettext_lazy("This method cannot be used here"),
        gettext_lazy("The header “Allow” of the answer names the methods that can."),
    ),
    "slot-taken": Kind(
        409,
        gettext_lazy("This time has been taken"),
        gettext_lazy(
            "Someone else was first. “alternatives” has the nearest times that were free at that moment: show"
            " them, and try again with one of them."
        ),
    ),
    "too-late": Kind(
        409,
        gettext_lazy("It is too late to change this appointment"),
        gettext_lazy("“can_change_until” of the appointment has passed. Only the practice can change it now."),
    ),
    "cancelled": Kind(
        409,
        gettext_lazy("This appointment was cancelled"),
        gettext_lazy("A cancelled appointment cannot be moved. A new one can be booked."),
    ),
    "changed": Kind(
        409,
        gettext_lazy("This appointment was changed in the meantime"),
        gettext_lazy("Somebody else changed it at the same moment. Read it again before you change it."),
    ),
    "too-large": Kind(
        413,
        gettext_lazy("The request is too large"),
        gettext_lazy("A booking needs few words: no field is longer than some hundreds of characters."),
    ),
    "unsupported-media-type": Kind(
        415,
        gettext_lazy("The body is not sent as JSON"),
        gettext_lazy("Send it with the header “Content-Type: application/json”."),
    ),
    "invalid": Kind(
        422,
        gettext_lazy("Something in the request is not right"),
        gettext_lazy(
            "“errors” names each field that is not right, with a sentence that can be shown to the parent. A start"
            " that was never on offer is told here too: free times come from “slots”."
        ),
    ),
    "idempotency-conflict": Kind(
        422,
        gettext_lazy("This Idempotency-Key was used for another request"),
        gettext_lazy("Within 24 hours a key stands for one request. Use a new one for another booking."),
    ),
    "too-many-requests": Kind(
        429,
        gettext_lazy("That was too much at once"),
        gettext_lazy("The header “Retry-After” says after how many seconds you can try again."),
    ),
    "fault": Kind(
        500,
        gettext_lazy("Something is wrong on our side"),
        gettext_lazy("It was written down for those who look after this site. Nothing was half done."),
    ),
    "busy": Kind(
        503,
        gettext_lazy("It is very busy just now"),
        gettext_lazy("Nothing was done. Send the same request again, with the same Idempotency-Key."),
    ),
}


_MOST_ERRORS = 50


class Problem(Exception):
    """An answer other than the one that was asked for.

    `detail` is a sentence about this very case; `members` stand beside it in the answer.
    """

    def __init__(
        self, name: str, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(name)
        self.name, self.detail = name, detail
        self.headers, self.members = headers or {}, members

    def response(self) -> HttpResponse:
        """Return the problem as an answer in the language of the moment."""
        kind = KINDS[self.name]
        content = {
            "type": reverse("api:problem", args=[self.name]),
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail or kind.advice,
            **self.members,
        }
        return Response(content, status=kind.status, content_type=CONTENT_TYPE, headers=self.headers)


def invalid(errors: Iterable[tuple[str, str]]) -> Problem:
    """Return the problem whose fields, each with its sentence, are `errors`."""
    # As many as a hand-made request may have; one of a thousand unknown fields gets no longer an answer for it.
    listed = [{"field": field[:200], "message": message} for field, message in islice(errors, _MOST_ERRORS)]
    return Problem("invalid", _("Please look at the fields under “errors”."), errors=listed)


def of(request: HttpRequest, error: Exception) -> Problem:
    """Return what the caller is told about `error`; what is a fault of ours is logged as on any page."""
    match error:
        case Problem():
            return error
        case TooManyRequests():
            return Problem("too-many-requests", str(error), headers={"Retry-After": str(error.retry_after)})
        case Busy():
            return Problem("busy", str(error), headers={"Retry-After": "1"})
        case OutsideBookingWindow():
            return invalid([("start", str(error))])
        case IdempotencyConflict():
            return Problem("idempotency-conflict")
        case BookingError():
            return Problem(error.name, str(error))
        case Http404() | DeadLink():
            return Problem("not-found")
        case AuthenticationError():
            security.warning("call without a key of ours refused")
            return Problem("key-required", headers={"WWW-Authenticate": "Bearer"})
        case ValidationError():
            return _of_validation(error)
        case RequestDataTooBig():
            return Problem("too-large")
        case HttpError(__cause__=Problem() as cause):
            return cause
        case HttpError() | UnreadablePostError():
            # The only HttpError that is left is Ninja's own, for a body that is no JSON.
            return Problem("malformed")
    response_for_exception(request, error)
    return Problem("fault")


def _of_validation(error: ValidationError) -> Problem:
    if any(entry["loc"][0] == "header" and entry["type"] in _EMPTY for entry in error.errors):
        return Problem("idempotency-key-missing")
    return invalid((_field(entry["loc"]), _message(entry)) for entry in error.errors)


_EMPTY = {"missing", "string_too_short"}


def _field(loc: tuple[str | int, ...]) -> str:
    # A body's errors begin with "body" and the name of the parameter that takes it.
    parts = loc[2:] if loc[0] == "body" else loc[-1:]
    return ".".join(str(part) for part in parts) or "body"


def _message(entry: dict[str, Any]) -> str:
    match entry["type"]:
        case "sentence":
            return str(entry["msg"])
        case "missing":
            return _("This field is required.")
        case "extra_forbidden":
            return _("This field is not known here.")
    return _("This value cannot be used here.")
