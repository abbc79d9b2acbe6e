"""The admin at /beheer/, behind the same sign-in and second factor as the agenda."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite, ModelAdmin
from django.db import DataError, models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from phonenumber_field.modelfields import PhoneNumberField

from practice import second_factor
from practice.fields import MailAddressField, PhoneField

# What Django's admin says, and its own Dutch catalogue lacks: named here, so that ours has it.
_NOT_IN_DJANGOS_DUTCH = (
    gettext_noop("Add link"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop("Change or view list link"),
    gettext_noop("Error:"),
)


class PracticeAdminSite(AdminSite):
    """Lets nobody in by its own login form, which knows no second factor."""

    site_header = _("Practice management")
    site_title = _("Practice management")
    index_title = _("What would you like to change?")

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor is staff, and has shown the second factor where one is asked for."""
        if not super().has_permission(request):
            return False
        return not second_factor.is_missing(request) and not second_factor.is_owed(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send the visitor to the site's own sign-in, or to setting up or showing the second factor."""
        if super().has_permission(request):
            if second_factor.is_missing(request):
                return redirect("mfa_activate_totp")
            if second_factor.is_owed(request):
                return second_factor.ask(request.GET.get("next") or reverse("admin:index"))
        response: HttpResponse = secure_admin_login(super().login)(request, extra_context=extra_context)
        return response

    def password_change(  # type: ignore[override] # what it does is lead elsewhere
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page of the account, which counts wrong passwords; Django's own does not."""
        return redirect("account_change_password")


class SturdyList(ModelAdmin):  # type: ignore[type-arg]
    """Has a list that whoever makes up its address cannot break: what no row can be leads to all of them."""

    formfield_overrides = {
        models.EmailField: {"form_class": MailAddressField},
        PhoneNumberField: {"form_class": PhoneField},
    }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or do what was chosen for some of it. Django looks at neither years nor keys first."""
        try:
            return super().changelist_view(request, extra_context)
        except (DataError, OverflowError, ValueError):
            return redirect(f"{request.path}?e=1")
