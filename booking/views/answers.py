"""What every page of the parent's way answers with: the status of an error, and no copy left behind."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    Busy,
    InTimeOff,
    KeysMissing,
    NoRoom,
    NotOffered,
    OutsideHours,
    SlotTaken,
    TooEarlyToMark,
    TooLateToChange,
    TooManyRequests,
)
from practice.requests import PracticeRequest

_STATUS: dict[type[BookingError], int] = {
    SlotTaken: 409,
    AlreadyCancelled: 409,
    AlreadyChanged: 409,
    TooLateToChange: 409,
    TooEarlyToMark: 409,
    NotOffered: 409,
    OutsideHours: 409,
    InTimeOff: 409,
    TooManyRequests: 429,
    Busy: 503,
    NoRoom: 503,
    KeysMissing: 503,
}
View = Callable[..., HttpResponse]


def status_of(error: BookingError) -> int:
    """Return the HTTP status that `error` stands for."""
    return _STATUS.get(type(error), 422)


def private(view: View) -> View:
    """Keep what a family sees out of caches and search engines."""

    @wraps(view)
    def guarded(request: PracticeRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def with_error(page: HttpResponse, error: BookingError) -> HttpResponse:
    """Give `page` the status that `error` stands for."""
    page.status_code = status_of(error)
    if isinstance(error, TooManyRequests):
        page["Retry-After"] = str(error.retry_after)
    return page


def too_many(request: PracticeRequest, error: TooManyRequests) -> HttpResponse:
    return with_error(render(request, "429.html"), error)


def busy(request: PracticeRequest) -> HttpResponse:
    """Return the page for who is to try once more in a moment."""
    response = render(request, "503.html", status=503)
    response["Retry-After"] = "5"
    return response


def first_error(form: Form, field: str = "") -> str:
    """Return the sentence about `field`, or the first of all, that says what is wrong with `form`."""
    errors = form.errors.get(field) or next(iter(form.errors.values()))
    return str(errors[0])
