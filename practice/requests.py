from django.http import HttpRequest

from practice.models import Practice


class PracticeRequest(HttpRequest):
    """A request as PracticeMiddleware leaves it: with the practice at hand."""

    practice: Practice
