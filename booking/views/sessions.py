"""Where somebody is signed in, told by device; the address is not kept."""

import re
from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}
# In this order: most of them call themselves Chrome or Safari as well.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome"}


class SessionsView(ListUserSessionsView):  # type: ignore[misc]
    """allauth's own list, each with its device in words."""

    success_url = reverse_lazy("booking:sessions")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        for session in context["sessions"]:
            session.device = device(session.user_agent)
        return context


def device(user_agent: str) -> str:
    """Return what `user_agent` says in words, as "Firefox, Android"; what it does not say is left out."""
    system = next((name for word, name in _SYSTEMS.items() if word in user_agent), "")
    browser = next((name for word, name in _BROWSERS.items() if re.search(rf"\b{word}/", user_agent)), "")
    if not browser and "Safari/" in user_agent:
        browser = "Safari"
    return ", ".join(part for part in (browser, system) if part) or _("An unknown device")


sessions = SessionsView.as_view()
