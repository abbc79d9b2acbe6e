"""A form field for a text in each language of the site."""

from typing import Any

from django import forms
from django.conf import settings

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
        return [(value or {}).get(code, "") for code, _ in settings.LANGUAGES]


class TranslatedFormField(forms.MultiValueField):
    """Gives a `Translated`; the site's first language must be there if the field is required."""

    def __init__(self, *, label: Any, required: bool, rows: int = 2, help_text: Any = "") -> None:
        fields = [
            forms.CharField(required=required and code == settings.LANGUAGE_CODE) for code, _ in settings.LANGUAGES
        ]
        super().__init__(
            fields,
            label=label,
            help_text=help_text,
            required=required,
            require_all_fields=False,
            widget=TranslatedWidget(rows),
        )

    def compress(self, data_list: list[str]) -> Translated:
        """Return the texts by language, without the empty ones."""
        texts = zip([code for code, _ in settings.LANGUAGES], data_list, strict=False)
        return Translated({code: text for code, text in texts if text})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.widget.decompress(initial), data)
