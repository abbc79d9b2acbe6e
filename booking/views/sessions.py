"""Where somebody is signed in, told by device; no address is kept."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.usersessions.views import ListUserSessionsView
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator


@method_decorator(reauthentication_required(allow_get=True), name="dispatch")
class SessionsView(ListUserSessionsView):  # type: ignore[misc]
    """allauth's own list, in which booking.accounts left of each browser a few words.

    Signing out elsewhere asks first who one is: whoever finds a browser open must not shut its owner out.
    """

    success_url = reverse_lazy("booking:sessions")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        # This one first, then the newest.
        context["sessions"].sort(key=lambda session: (session.is_current(), session.created_at), reverse=True)
        return context


sessions = SessionsView.as_view()
