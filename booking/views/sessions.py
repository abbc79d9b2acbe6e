"""Where somebody is signed in, told by device; no address is kept."""

from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.urls import reverse_lazy


class SessionsView(ListUserSessionsView):  # type: ignore[misc]
    """allauth's own list, in which booking.accounts left of each browser a few words."""

    success_url = reverse_lazy("booking:sessions")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        # This one first, then the newest.
        context["sessions"].sort(key=lambda session: (session.is_current(), session.created_at), reverse=True)
        return context


sessions = SessionsView.as_view()
