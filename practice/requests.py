from uuid import UUID

from django.http import HttpRequest

from practice.models import Practice


class PracticeRequest(HttpRequest):
    """A request as PracticeMiddleware leaves it: with the practice at hand, and the version that the site
    had before it was read."""

    practice: Practice
    site_version: UUID | None
