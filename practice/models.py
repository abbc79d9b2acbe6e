"""The practice itself, in one row, and the pages of its site."""

from typing import Self
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import resolve, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from practice.translations import TranslatedField
from practice.zones import named_zone, validate_zone


def standard_reminders() -> list[str]:
    """Return when a practice reminds that has not said otherwise."""
    return ["2d", "3h"]


class Practice(models.Model):
    """Who the practice is. Pages, mails and invitations all read it here; there is exactly one."""

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    name = models.CharField(_("name"), max_length=100)
    description = TranslatedField(_("what it is"), help_text=_("In a few words, such as a line under the name."))
    street = models.CharField(_("street and number"), max_length=100)
    postal_code = models.CharField(_("postal code"), max_length=10)
    city = models.CharField(_("city"), max_length=100)
    phone = PhoneNumberField(_("phone number"), max_length=20)
    email = models.EmailField(_("mail address"))
    nfg = models.CharField(_("NFG membership number"), max_length=20, blank=True)
    rbcz = models.CharField(_("RBCZ licence number"), max_length=20, blank=True)
    skj = models.CharField(_("SKJ number"), max_length=20, blank=True)
    kvk = models.CharField(_("KvK number"), max_length=20, blank=True)
    agb_practice = models.CharField(_("AGB practice code"), max_length=20, blank=True)
    agb_therapist = models.CharField(_("AGB care provider code"), max_length=20, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=50, default="Europe/Amsterdam", validators=[validate_zone]
    )
    first_consult = TranslatedField(
        _("the first appointment, in your own words"),
        blank=True,
        help_text=_("Markdown. Shown on the page about the first appointment: how you work, what to expect."),
    )

    # Leads as appointment types have them. Booking reads them, and offers them in the admin.
    reminders = models.JSONField(_("reminders of a new appointment type"), default=standard_reminders, blank=True)

    class Meta:
        verbose_name = _("practice")
        verbose_name_plural = _("practice")
        constraints = [models.CheckConstraint(name="practice_exactly_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def load(cls) -> "Practice":
        """Return the practice, with the `site_version` at that moment; raises DoesNotExist, with what to do about
        it, before it was ever filled in."""
        site = Version.objects.filter(pk=SITE).values("value")
        try:
            return cls.objects.annotate(site_version=models.Subquery(site)).get(pk=cls.THE_ONE)
        except cls.DoesNotExist as error:
            raise cls.DoesNotExist("There is no practice yet: run `manage.py load_practice`.") from error

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clocks rule working hours, days and everything shown."""
        return named_zone(self.time_zone)

    @property
    def phone_shown(self) -> str:
        """The phone number as readers of the current language would dial it."""
        abroad = get_language() != settings.LANGUAGE_CODE
        return str(self.phone.as_international if abroad else self.phone.as_national)

    @property
    def map_url(self) -> str:
        """Where a map service shows the practice; a link only, since an embedded map tells who looks."""
        place = f"{self.street}, {self.postal_code} {self.city}"
        return f"https://www.openstreetmap.org/search?{urlencode({'query': place})}"

    @property
    def registrations(self) -> list[tuple[str, str]]:
        """The registrations that the practice has: what each is called, and its number."""
        fields = ("nfg", "rbcz", "skj", "kvk", "agb_practice", "agb_therapist")
        return [
            (str(self._meta.get_field(field).verbose_name), getattr(self, field))  # type: ignore[union-attr]
            for field in fields
            if getattr(self, field)
        ]


# What pages show of practice, pages, therapists and appointment types.
SITE = "site"


class Version(models.Model):
    """Something random that is renewed with every change of what it is the version `name` of. Triggers write here
    (booking/version_triggers.py), and nobody else."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.UUIDField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def read(cls, *names: str) -> tuple[UUID | None, ...]:
        """Return the versions `names` as they are now, in one query; None where nothing was ever changed.

        What is kept for a version must have been read after it: then it may be newer than that, but never older.
        """
        values = dict(cls.objects.filter(pk__in=names).values_list("name", "value"))
        return tuple(values.get(name) for name in names)


# The code itself leads to these pages, or shows more on them than their text; "" is the home page.
FIXED_SLUGS = {"", "contact", "eerste-afspraak", "privacy", "toegankelijkheid"}
# Ten times the longest page that comes with this; far below what one form may send.
LONGEST_BODY = 40_000
_DRAWINGS = {"hechting": "bond", "eerste-afspraak": "talk", "contact": "house", "privacy": "lock"}


class PageQuerySet(models.QuerySet["Page"]):
    def published(self) -> Self:
        """Those that a visitor may read."""
        return self.filter(published=True)

    def linked(self, language: str) -> Self:
        """What every page in `language` leads to, in the order of the menu (the logo leads home); a page never
        written in it is there in the first one."""
        written = Page.objects.filter(slug=models.OuterRef("slug"), language=language)
        first = Q(language=settings.LANGUAGE_CODE) & ~models.Exists(written)
        return self.published().filter(Q(language=language) | first).exclude(slug="", in_menu=False)


class Page(models.Model):
    """One information page in one language; the same page has the same slug in every language."""

    slug = models.SlugField(
        _("address name"),
        blank=True,
        help_text=_(
            "The last part of the address, the same in every language. Empty for the home page. "
            "If you change it, the old address leads to the new one."
        ),
        validators=[RegexValidator(r"^[a-z0-9-]*$", _("Use small letters, digits and hyphens only."))],
    )
    # No choices: a further language is a setting, and would need a migration.
    language = models.CharField(_("language"), max_length=10)
    title = models.CharField(_("title"), max_length=120)
    menu_title = models.CharField(_("title in the menu"), max_length=40)
    description = models.CharField(
        _("description"),
        max_length=300,
        help_text=_("One or two sentences: under the title, and in search results."),
    )
    body = models.TextField(_("text"), help_text=_("Markdown: ## for a heading, - for a list, [words](address)."))
    menu_order = models.PositiveSmallIntegerField(_("order in the menu"), default=0)
    in_menu = models.BooleanField(_("in the menu"), default=True)
    published = models.BooleanField(_("published"), default=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = PageQuerySet.as_manager()

    class Meta:
        ordering = ["menu_order", "slug", "language"]
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        constraints = [models.UniqueConstraint(name="page_once_a_language", fields=["slug", "language"])]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    @property
    def drawing(self) -> str:
        """The template of the drawing that goes with this page."""
        return f"parts/drawings/{_DRAWINGS.get(self.slug, 'pair')}.html"

    @property
    def lang(self) -> str:
        """The attribute of an element with this page's words, where what is around it is in another language."""
        return "" if self.language == get_language() else format_html(' lang="{}"', self.language)

    def clean(self) -> None:
        """Refuse an address that leads elsewhere already: a page there could never be seen."""
        taken = {code for code, _name in settings.LANGUAGES} | {settings.STATIC_URL.strip("/")}
        # In the language that has no prefix, whichever the admin is read in.
        with override(settings.LANGUAGE_CODE):
            elsewhere = self.slug in taken or (self.slug and resolve(f"/{self.slug}/").url_name != "page")
        if elsewhere:
            raise ValidationError({"slug": _("This address is in use already. Please choose another one.")})

    def get_absolute_url(self) -> str:
        """Return the page's path in the language of the moment."""
        return page_path(self.slug)


class OldAddress(models.Model):
    """Where a page was once: who comes there is led to where it is now. Written by `practice.addresses` alone."""

    slug = models.SlugField(primary_key=True)
    leads_to = models.SlugField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="old_address_leads_on", condition=~Q(slug=models.F("leads_to")))
        ]

    def __str__(self) -> str:
        return f"{self.slug} → {self.leads_to}"


class PictureQuerySet(models.QuerySet["Picture"]):
    def without_content(self) -> Self:
        """All of a picture but the picture itself, which can be large."""
        return self.defer("content")


class Picture(models.Model):
    """A picture that the practice put on its site, as `practice.pictures` made it; its address changes with it."""

    digest = models.CharField(max_length=32, unique=True, editable=False)
    content = models.BinaryField()
    width = models.PositiveSmallIntegerField(_("width in pixels"), editable=False)
    height = models.PositiveSmallIntegerField(_("height in pixels"), editable=False)
    alternative = TranslatedField(
        _("in words"),
        help_text=_(
            "What the picture shows, in one short sentence, for who cannot see it. A screen reader reads it aloud."
        ),
    )
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)

    objects = PictureQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "-pk"]
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")

    def __str__(self) -> str:
        return str(self.alternative)

    def get_absolute_url(self) -> str:
        """Return the picture's path; what is found there never changes."""
        return reverse("picture", args=[self.digest])

    @property
    def markdown(self) -> str:
        """What stands in a page's text where the picture is to be shown."""
        return f"![]({self.get_absolute_url()})"


def page_path(slug: str) -> str:
    """Return the path of the page `slug`, in the language of the moment."""
    return reverse("page", args=[slug]) if slug else reverse("home")
