"""What the admin asks of who writes the site: texts in each language, pages, pictures."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practice import addresses, pictures
from practice.fields import LengthFirst
from practice.models import FIXED_SLUGS, LONGEST_BODY, Page, Picture
from practice.pages import links_of
from practice.translations import Translated


class TranslatedWidget(forms.MultiWidget):
    """One text area for each language, each labelled with its language."""

    use_fieldset = True

    def __init__(self, rows: int) -> None:
        super().__init__(
            {
                code: forms.Textarea(
                    attrs={"rows": rows, "cols": 100, "lang": code, "aria-label": name, "placeholder": name}
                )
                for code, name in settings.LANGUAGES
            }
        )

    def decompress(self, value: Any) -> list[str]:
        """Return the texts of `value` in the order of the site's languages."""
        return [(value or {}).get(code, "") for code, _name in settings.LANGUAGES]


class _HiddenTexts(forms.MultiWidget):
    """The same texts out of sight, for a page that asks once more before they are kept."""

    def __init__(self) -> None:
        super().__init__({code: forms.HiddenInput() for code, _name in settings.LANGUAGES})

    def decompress(self, value: Any) -> list[str]:
        """Return the texts of `value` in the order of the site's languages."""
        return [(value or {}).get(code, "") for code, _name in settings.LANGUAGES]


class TranslatedFormField(forms.MultiValueField):
    """Gives a `Translated`; the site's first language must be there if the field is required.

    With `all_or` every language must be, and it is the sentence for where one is not.
    """

    hidden_widget = _HiddenTexts

    def __init__(
        self, *, label: Any, required: bool, rows: int = 2, help_text: Any = "", all_or: Any = None
    ) -> None:
        said = {"required": all_or, "incomplete": all_or} if all_or else None
        fields = [
            LengthFirst(
                max_length=LONGEST_BODY,
                required=required and (bool(all_or) or code == settings.LANGUAGE_CODE),
                error_messages=said,
            )
            for code, _name in settings.LANGUAGES
        ]
        super().__init__(
            fields,
            label=label,
            help_text=help_text,
            required=required,
            require_all_fields=False,
            error_messages=said,
            widget=TranslatedWidget(rows),
        )

    def compress(self, data_list: list[str]) -> Translated:
        """Return the texts by language, without the empty ones."""
        texts = zip([code for code, _name in settings.LANGUAGES], data_list, strict=False)
        return Translated({code: text for code, text in texts if text})

    def validate(self, value: Any) -> None:
        """Refuse texts without one in the site's first language, which is read wherever another one lacks."""
        super().validate(value)
        if value and not value.get(settings.LANGUAGE_CODE):
            first = dict(settings.LANGUAGES)[settings.LANGUAGE_CODE]
            raise ValidationError(
                _("Please write it in %(language)s too: that is shown where a language lacks.")
                % {"language": first}
            )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.widget.decompress(initial), data)


class PageForm(forms.ModelForm):  # type: ignore[type-arg]
    """A page as the practice writes it; a text with links that lead nowhere is not taken."""

    class Meta:
        model = Page
        fields = [
            *("slug", "language", "title", "menu_title", "menu_order", "in_menu"),
            *("description", "body", "published"),
        ]
        error_messages = {
            "title": {
                "required": gettext_lazy("Please give the page a title: it stands on top, and in search results.")
            },
            "menu_title": {"required": gettext_lazy("Please fill in what the page is called in the menu.")},
            "description": {"required": gettext_lazy("Please say in a sentence what the page is about.")},
            "body": {"required": gettext_lazy("Please write the text of the page.")},
        }

    def clean_slug(self) -> str:
        """Refuse what would take a page away from under what leads to it."""
        slug: str = self.cleaned_data["slug"]
        was = self.moved_from(slug)
        if was is None:
            return slug
        if was in FIXED_SLUGS:
            raise ValidationError(
                _("This page keeps its address: the rest of the site leads to it. Here that is: %s")
                % (was or _("empty"))
            )
        if not slug:
            raise ValidationError(_("Only the home page has no address name."))
        if Page.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is a page with this address already. Please choose another one."))
        return slug

    def moved_from(self, slug: str) -> str | None:
        """Return where the page was until now; None where it stays there, or is new."""
        was = self.initial.get("slug") if self.instance.pk else None
        return was if was != slug else None

    def clean_body(self) -> str:
        """Refuse a text that is too long, that leads nowhere or that shows a picture which is not there."""
        body: str = self.cleaned_data["body"]
        if len(body) > LONGEST_BODY:
            sentence = _(
                "This text has %(number)d signs; a page has room for %(most)d. Please make two pages of it."
            )
            raise ValidationError(sentence % {"number": len(body), "most": LONGEST_BODY})
        draft = Page(slug=self.cleaned_data.get("slug", ""), language=self.cleaned_data.get("language", ""))
        _refuse_dead_ends(body, draft)
        return body

    def clean(self) -> dict[str, Any]:
        """Refuse to take away a page that visitors are led to."""
        was, now = self.initial, super().clean() or {}
        there = bool(self.instance.pk and was["published"])
        if there and not now.get("published"):
            self._refuse_to_go("published")
        elif there and now.get("language", was["language"]) != was["language"]:
            self._refuse_to_go("language")
        return now

    def _refuse_to_go(self, field: str) -> None:
        was = Page(slug=self.initial["slug"], language=self.initial["language"])
        if was.slug in FIXED_SLUGS:
            self.add_error(field, _("This page stays as it is: the rest of the site leads to it."))
        elif leading := addresses.leading_to(was):
            sentence = _("Links lead to this page. Take them out first, of: %s.")
            self.add_error(field, sentence % ", ".join(map(str, leading)))


class PracticeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who the practice is; its own passage is as careful about links and pictures as a page."""

    def clean_first_consult(self) -> Translated:
        """Refuse a passage that leads nowhere or that shows a picture which is not there."""
        texts: Translated = self.cleaned_data["first_consult"]
        _refuse_dead_ends("\n\n".join(texts.values()))
        return texts


def _refuse_dead_ends(text: str, draft: Page | None = None) -> None:
    """Raise a ValidationError that names each link and picture of `text` that leads to nothing."""
    found = [addresses.wrong_with(link, draft) for link in links_of(text)]
    found += [
        _("“%s” is no picture of this site. Choose one from the list beside the text.") % path
        for path in pictures.missing_in(text)
    ]
    if wrong := [sentence for sentence in dict.fromkeys(found) if sentence]:
        raise ValidationError(wrong)


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]
    """A picture from the practice's own computer or phone, with its words in every language."""

    file = forms.FileField(
        label=gettext_lazy("picture"),
        help_text=gettext_lazy(
            "A JPEG, PNG or WebP file of at most 8 MB. It is made smaller, and where and when it was taken is "
            "left out. Show no child or parent who can be recognised."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages={"required": gettext_lazy("Please choose a picture.")},
    )

    class Meta:
        model = Picture
        fields = ["alternative"]

    def clean_file(self) -> "UploadedFile[bytes]":
        """Make the picture that is kept; refuse what is none, is too large, or is here already."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > pictures.LARGEST_PICTURE:
            raise ValidationError(_("This file is larger than 8 MB. Please choose a smaller picture."))
        made = pictures.make(file.read())
        if Picture.objects.filter(digest=made.digest).exists():
            raise ValidationError(_("This picture is here already."))
        self.instance.digest, self.instance.content = made.digest, made.content
        self.instance.width, self.instance.height = made.width, made.height
        return file


class PictureWordsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The words of a picture that is here already."""

    class Meta:
        model = Picture
        fields = ["alternative"]
