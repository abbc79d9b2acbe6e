"""The practice, its pages and its pictures in the admin."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.messages.storage.base import Message
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_POST

from practice import addresses
from practice.admin_site import SturdyList
from practice.forms import PageForm, PictureForm, PictureWordsForm, PracticeForm, TranslatedFormField
from practice.models import FIXED_SLUGS, LONGEST_BODY, Page, Picture, Practice, page_path
from practice.pictures import LARGEST_PICTURE
from practice.translations import TranslatedField
from practice.uploads import takes_file
from practice.views import page_as_shown

_MARKDOWN = {"rows": 24, "cols": 100, "spellcheck": "true"}


@admin.register(Practice)
class PracticeAdmin(SturdyList):
    """The one row: changed here, made by `load_practice`, never deleted."""

    form = PracticeForm
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
    """The information pages: written here, and seen beside it as visitors will see them."""

    form = PageForm
    change_form_template = "admin/page_editor.html"
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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.preview))
        # First: a page could have any number, and Django's own addresses take every word for one.
        return [path("voorbeeld/", view, name="practice_page_preview"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["pictures"] = Picture.objects.without_content()
        return super().render_change_form(request, context, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Page | None = None) -> bool:
        """Refuse to delete the pages that the code leads to: the next start would make them anew."""
        return super().has_delete_permission(request, obj) and not (obj and obj.slug in FIXED_SLUGS)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes with the pages `objs`, and what leads to them and keeps them from going."""
        gone, counts, missing, protected = super().get_deleted_objects(objs, request)
        leading = [one for page in objs for one in addresses.leading_to(page) if one not in objs]
        return gone, counts, missing, [*protected, *dict.fromkeys(map(str, leading))]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Show the page that was sent as visitors would see it, and keep nothing of it."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        draft = _draft(request)
        # Whoever opened it by the button reads what it is; beside the text it needs no words, and nothing runs.
        framed = "_preview" not in request.POST
        said = [
            Message(messages.INFO, _("This is a preview. Nothing of it is kept yet; close it to go on writing."))
        ]
        with override(draft.language):
            shown = page_as_shown(request, draft, {draft.language}, framed=framed, messages=[] if framed else said)
        return HttpResponse(shown)

    def save_model(self, request: HttpRequest, obj: Page, form: Any, change: bool) -> None:
        """Keep the page; where its address changed, move all its languages and lead the old one there."""
        was = form.moved_from(obj.slug)
        if was is None:
            addresses.take(obj.slug)
        else:
            addresses.move(was, obj.slug)
            sentence = _("The page has moved to %(new)s in every language. Whoever comes to %(old)s is led there.")
            self.message_user(
                request, sentence % {"new": page_path(obj.slug), "old": page_path(was)}, messages.INFO
            )
        super().save_model(request, obj, form, change)


def _draft(request: HttpRequest) -> Page:
    """Return the page that `request` sends, wrong or right: only so much of it that it can be shown."""
    sent = request.POST
    language = sent.get("language", "")
    slug = sent.get("slug", "")
    return Page(
        slug=slug if slug == "" or slug.replace("-", "").isalnum() else "-",
        language=language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE,
        title=sent.get("title", "") or "…",
        description=sent.get("description", ""),
        body=sent.get("body", "").replace("\r\n", "\n")[:LONGEST_BODY],
        changed_at=timezone.now(),
    )


@admin.register(Picture)
class PictureAdmin(SturdyList):
    """Pictures for the pages. What one shows cannot be changed, since its address is made of it: its words can."""

    list_display = ["shown", "__str__", "code", "added_at"]
    list_display_links = ["shown", "__str__"]
    readonly_fields = ["shown", "code", "used_on"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Picture]:
        return Picture.objects.without_content()

    def get_form(
        self, request: HttpRequest, obj: Picture | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = PictureWordsForm if obj else PictureForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Picture | None = None) -> Any:
        return ["shown", "alternative", "code", "used_on"] if obj else ["alternative", "file"]

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        return TranslatedFormField(
            label=db_field.verbose_name,
            help_text=db_field.help_text,
            required=True,
            all_or=_("Please say in each language what the picture shows."),
        )

    @takes_file(LARGEST_PICTURE, of_managers=True)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a picture, of more than forms may send elsewhere."""
        return super().add_view(request, form_url, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes with the pictures `objs`, and the pages that keep them from going."""
        gone, counts, missing, protected = super().get_deleted_objects(objs, request)
        pages = [str(page) for picture in objs for page in _pages_with(picture)]
        return gone, counts, missing, [*protected, *dict.fromkeys(pages)]

    @admin.display(description=gettext_lazy("picture"))
    def shown(self, picture: Picture) -> SafeString:
        """Show the picture itself; its words stand beside it."""
        return format_html(
            '<img class="small-picture" src="{}" alt="" width="{}" height="{}" loading="lazy">',
            picture.get_absolute_url(),
            picture.width,
            picture.height,
        )

    @admin.display(description=gettext_lazy("in the text of a page"))
    def code(self, picture: Picture) -> SafeString:
        """Show what stands in a text where the picture is to be."""
        return format_html("<code>{}</code>", picture.markdown)

    @admin.display(description=gettext_lazy("used on"))
    def used_on(self, picture: Picture) -> str:
        """Name the pages that show the picture."""
        return ", ".join(map(str, _pages_with(picture))) or _("no page yet")

    class Media:
        css = {"all": ["editor.css"]}


def _pages_with(picture: Picture) -> list[Page | Practice]:
    path = picture.get_absolute_url()
    passages = Practice.objects.filter(first_consult__icontains=picture.digest)
    return [*Page.objects.filter(body__contains=path), *passages]
