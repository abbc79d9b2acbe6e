"""The admin at /beheer/, behind the same sign-in and second factor as the agenda."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _


class PracticeAdminSite(AdminSite):
    """Lets nobody in by its own login form, which knows no second factor."""

    site_header = _("Practice management")
    site_title = _("Practice management")
    index_title = _("What would you like to change?")

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor is staff, with a second factor where this installation asks for one."""
        return super().has_permission(request) and not self._lacks_second_factor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send the visitor to the site's own sign-in, or to setting up the second factor."""
        if super().has_permission(request) and self._lacks_second_factor(request):
            return redirect("mfa_activate_totp")
        response: HttpResponse = secure_admin_login(super().login)(request, extra_context=extra_context)
        return response

    def _lacks_second_factor(self, request: HttpRequest) -> bool:
        return settings.SECOND_FACTOR and not is_mfa_enabled(request.user)
