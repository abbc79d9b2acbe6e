"""The manager's back room. Appointments and mails are only looked at here: they are changed on the agenda,
so that nothing can be booked twice or silenced past the rules."""

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking import accounts, diary, feed
from booking.forms.types import AppointmentTypeForm, RemindersField
from booking.models import Appointment, AppointmentType, Notification, Therapist
from practice.admin import PracticeAdmin
from practice.admin_site import SturdyList
from practice.forms import PracticeForm
from practice.models import Practice

_format_html_lazy = lazy(format_html, SafeString)

# The scheduler's raw tables are changed through the diary only; the libraries' accounts through ours.
for _label in ("schedule", "account", "mfa", "usersessions"):
    for _model in apps.get_app_config(_label).get_models():
        if admin.site.is_registered(_model):
            admin.site.unregister(_model)
admin.site.unregister([User, Group, Practice])


class SettledPracticeForm(PracticeForm):
    """Who the practice is, once its clocks rule a diary; and when it reminds, which booking knows about."""

    reminders = RemindersField(
        label=_("Reminders of a new appointment type"),
        help_text=_("What is ticked when a type is added. The types that there are stay as they are."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "reminders" in self.fields:
            field = self.fields["reminders"]
            assert isinstance(field, RemindersField)
            field.offer(self.instance.reminders)

    def clean_time_zone(self) -> str:
        """Refuse another zone where it would shift what was agreed: 09:00 here is another hour there."""
        time_zone: str = self.cleaned_data["time_zone"]
        if "time_zone" in self.changed_data and (diary.is_begun() or Appointment.objects.exists()):
            raise ValidationError(
                _("The time zone stays: there are working hours or appointments already, and they would shift.")
            )
        return time_zone


@admin.register(Practice)
class SettledPracticeAdmin(PracticeAdmin):
    """The practice's own record, which knows nothing of the diary by itself."""

    form = SettledPracticeForm


_LABELS = {"is_staff": _("Manager")}
_HELP_TEXTS = {"is_staff": _("Sees every appointment, and may change everything here.")}


class _AddressForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account is known by its mail address, which is its name too."""

    def clean_email(self) -> str:
        """Return the address in small letters; it must be nobody else's."""
        email: str = self.cleaned_data["email"].lower()
        if not email:
            raise ValidationError(_("Please fill in a mail address: it is what one signs in with."))
        if User.objects.filter(username=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is already an account with this mail address."), code="unique")
        return email

    def _post_clean(self) -> None:
        # Before the password is checked against the account's own data.
        self.instance.username = self.cleaned_data.get("email", "")
        super()._post_clean()  # type: ignore[misc]


class AccountCreationForm(_AddressForm, BaseUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email", "is_staff"]
        labels, help_texts = _LABELS, _HELP_TEXTS


class AccountChangeForm(_AddressForm, UserChangeForm):  # type: ignore[type-arg]
    class Meta(UserChangeForm.Meta):
        labels, help_texts = _LABELS, _HELP_TEXTS

    def clean(self) -> dict[str, Any] | None:
        """Refuse to let the last one go who manages the practice."""
        data = super().clean()
        for field in ("is_active", "is_staff"):
            if field in self.fields and not self.cleaned_data.get(field):
                try:
                    accounts.keep_a_manager(without=self.instance)
                except ValidationError as error:
                    self.add_error(field, error)
        return data


class AccountPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Django puts its own sentence together while it is imported, and so in one language for all."""

    usable_password_help_text = _format_html_lazy(
        '{}<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
        _("Whether one can sign in to this account with a password."),
        _("If you switch this off, the password that it has now is gone."),
    )


@admin.register(User)
class AccountAdmin(SturdyList, UserAdmin):  # type: ignore[type-arg]
    """Accounts; whoever is staff is a manager, with every right."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    change_password_form = AccountPasswordForm
    list_display = ["email", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email"]
    ordering = ["email"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "password1", "password2", "is_staff"]})]
    readonly_fields = ["last_login", "date_joined"]
    actions = ["remove_second_factor"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody shuts oneself out."""
        return [*self.readonly_fields, *(["is_active"] if obj == request.user else [])]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether `obj` may go: whoever manages the practice is not the one to delete oneself."""
        return super().has_delete_permission(request, obj) and obj != request.user

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Lead whoever would change the own password to where the old one is asked for."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("account_change_password")
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Keep the account; one that is closed or opened here is so in all that this means.

        Links for a password go to its address: of one's own it is asked first who one is.
        """
        obj.is_superuser = obj.is_staff
        if change and "email" in form.changed_data:
            if obj == request.user:
                raise_if_reauthentication_required(request, app="account")
            accounts.change_address(obj, obj.email)
        if change and "is_active" in form.changed_data:
            if not obj.is_active:
                accounts.set_open(obj, open=False)
            elif accounts.open_again(obj, now=timezone.now()):
                sentence = _("A mail with a link to choose a password is on its way.")
                self.message_user(request, sentence, messages.INFO)
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Remove the second step of signing in (phone lost)"))
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let the chosen accounts set up their second factor anew."""
        assert isinstance(request.user, User)
        if queryset.filter(pk=request.user.pk).exists():
            # There it is asked who one is.
            sentence = _("Your own second step is changed on the page of your account.")
            self.message_user(request, sentence, messages.WARNING)
        users = list(queryset.filter(authenticator__isnull=False).exclude(pk=request.user.pk).distinct())
        for user in users:
            accounts.forget_second_factor(user)
        number = len(users)
        done = ngettext(
            "%(number)d account sets up its second step anew when it signs in.",
            "%(number)d accounts set up their second step anew when they sign in.",
            number,
        )
        self.message_user(request, done % {"number": number}, messages.SUCCESS)


class TherapistForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who sees families, and whether new ones can book with her."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse to let parents book with who left."""
        data = super().clean() or self.cleaned_data
        user = data.get("user")
        if data.get("active") and user and not user.is_active:
            self.add_error("active", _("The account is closed. Open it first."))
        return data


@admin.register(Therapist)
class TherapistAdmin(SturdyList):
    """Therapists are not deleted: who leaves can no longer be booked, and signs in no more."""

    form = TherapistForm
    list_display = ["name", "email", "language", "active"]
    list_filter = ["active"]
    search_fields = ["name", "email"]
    fields = ["name", "slug", "email", "language", "user", "active"]
    prepopulated_fields = {"slug": ["name"]}

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name == "language":
            return forms.ChoiceField(label=db_field.verbose_name, choices=settings.LANGUAGES)
        if db_field.name == "email":
            kwargs["help_text"] = _(
                "News of appointments goes here. To sign in, the address of the account counts."
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Therapist | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Therapist, form: Any, change: bool) -> None:
        """Keep the therapist; with another account, or none, the address of the feed is dead: its reader left."""
        super().save_model(request, obj, form, change)
        if change and "user" in form.changed_data:
            feed.turn_off(obj)


class _TypeForm(AppointmentTypeForm):
    class Meta(AppointmentTypeForm.Meta):
        fields = [*AppointmentTypeForm.Meta.fields, "slug"]


@admin.register(AppointmentType)
class AppointmentTypeAdmin(SturdyList):
    """Types are added here, and put in order; the rest the agenda can do as well."""

    form = _TypeForm
    list_display = ["__str__", "slug", "minutes", "place", "visible", "position"]
    list_filter = ["visible", "place"]

    @admin.display(description=_("minutes"))
    def minutes(self, appointment_type: AppointmentType) -> int:
        """Return how long it lasts."""
        return appointment_type.duration_minutes


class _ReadOnly(SturdyList):
    """Shows, and changes nothing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Appointment)
class AppointmentAdmin(_ReadOnly):
    """Appointments without a word about the family, which the agenda alone shows."""

    list_display = ["start", "appointment_type", "therapist", "state", "public_id", "agenda"]
    list_filter = ["state", "therapist", "appointment_type"]
    list_select_related = ["appointment_type", "therapist"]
    search_fields = ["public_id"]
    date_hierarchy = "start"
    fields = [
        "agenda",
        "public_id",
        "appointment_type",
        "therapist",
        "start",
        "end",
        "state",
        "created_at",
        "changed_at",
        "cancelled_at",
        "cancelled_by",
        "erased_at",
    ]
    readonly_fields = ["agenda"]

    @admin.display(description=_("agenda"))
    def agenda(self, appointment: Appointment) -> SafeString:
        """Link to where the appointment can be changed."""
        address = reverse("booking:agenda_appointment", args=[appointment.public_id])
        return format_html('<a href="{}">{}</a>', address, _("Open in the agenda"))


@admin.register(Notification)
class NotificationAdmin(_ReadOnly):
    """Mails: what is owed, and what became of it. A failed one is tried again on the agenda."""

    list_display = ["due_at", "kind", "state", "attempts", "last_error", "sent_at", "agenda"]
    list_filter = ["state", "kind"]
    list_select_related = ["appointment"]
    search_fields = ["key", "message_id"]
    date_hierarchy = "due_at"
    fields = ["agenda", "key", "kind", "due_at", "state", "attempts", "last_error", "sent_at", "message_id"]
    readonly_fields = ["agenda"]

    @admin.display(description=_("agenda"))
    def agenda(self, notification: Notification) -> SafeString:
        """Link to where the mail can be tried again."""
        if not notification.appointment:
            return format_html('<a href="{}">{}</a>', reverse("booking:agenda"), _("Open the agenda"))
        address = reverse("booking:agenda_appointment", args=[notification.appointment.public_id])
        return format_html('<a href="{}">{}</a>', address, _("Open in the agenda"))
