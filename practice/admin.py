"""The practice and its pages in the admin."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from practice.admin_site import SturdyList
from practice.forms import TranslatedFormField
from practice.models import Page, Practice
from practice.translations import TranslatedField

_MARKDOWN = {"rows": 24, "cols": 100, "spellcheck": "true"}


@admin.register(Practice)
class PracticeAdmin(SturdyList):
    """The one row: changed here, made by `load_practice`, never deleted."""

    list_display = ["name", "city", "phone", "email"]

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if isinstance(db_field, TranslatedField):
            return TranslatedFormField(
                label=db_field.verbose_name,
                help_text=db_field.help_text,
                required=not db_field.blank,
                rows=12 if db_field.name == "first_consult" else 2,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Practice.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Practice | None = None) -> bool:
        return False


@admin.register(Page)
class PageAdmin(SturdyList):
    """The information pages."""

    list_display = ["title", "language", "slug", "menu_order", "in_menu", "published", "changed_at"]
    list_filter = ["language", "published"]
    search_fields = ["title", "description", "body"]
    fields = [
        ("slug", "language"),
        "title",
        ("menu_title", "menu_order", "in_menu"),
        "description",
        "body",
        "published",
    ]

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name == "language":
            return forms.ChoiceField(label=db_field.verbose_name, choices=settings.LANGUAGES)
        if db_field.name == "body":
            kwargs["widget"] = forms.Textarea(attrs=_MARKDOWN)
        if db_field.name == "description":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 3, "cols": 100})
        return super().formfield_for_dbfield(db_field, request, **kwargs)
