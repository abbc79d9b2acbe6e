import tomllib
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from practice.models import FIXED_SLUGS, OldAddress, Page, Practice
from practice.pages import read_source
from practice.translations import Translated

CONTENT = settings.BASE_DIR / "practice" / "content"


class Command(BaseCommand):
    """Fills in what is not there yet; what the practice wrote itself stays as it is."""

    help = "Create the practice and its pages from practice/content, without touching what exists already."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        facts = tomllib.loads((CONTENT / "practice.toml").read_text(encoding="utf-8"))
        facts["description"] = Translated(facts["description"])
        practice, made = Practice.objects.get_or_create(pk=Practice.THE_ONE, defaults=facts)
        if made:
            practice.full_clean()
        # A page that has moved is there, under its new address.
        moved = set(OldAddress.objects.values_list("slug", flat=True))
        existing = set(Page.objects.values_list("slug", "language"))
        written = {language for _slug, language in existing}
        missing = []
        for path in sorted(CONTENT.glob("*/*.md")):
            slug, language = "" if path.stem == "home" else path.stem, path.parent.name
            # In a language that has pages, what is not there was deleted, unless the code cannot do without it.
            wanted = language not in written or slug in FIXED_SLUGS
            if wanted and slug not in moved and (slug, language) not in existing:
                missing.append(Page(slug=slug, language=language, **asdict(read_source(path))))
        for page in missing:
            page.full_clean()
            page.save(force_insert=True)
        self.stdout.write(f"{practice}: {len(missing)} of {len(missing) + len(existing)} pages made.")
