"""Texts from code to catalogue and back, with Babel, so that no system gettext is needed."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[3]
LOCALE = ROOT / "locale"
SOURCES = ("booking", "practice", "templates")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: kennismaking\n"
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plural}\n"

"""
_PLACEHOLDER = re.compile(r"%\((\w+)\)|(?<!\{)\{(\w+)\}|(%s|%d)")


class Command(BaseCommand):
    help = (
        "compile: make the .mo files that are out of date. update: bring the .po files up to date with the code, "
        "taking translations from locale/<language>/parts/*.po too. check: fail where a text is not translated."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["compile", "update", "check"])

    def handle(self, *, action: str, verbosity: int, **options: object) -> None:
        if action == "compile":
            lines = [f"Compiled {path.relative_to(ROOT)}" for path in compile_catalogs()]
        elif action == "update":
            lines = [line for po in catalog_files() for line in update(po)]
        elif problems := [line for po in catalog_files() for line in check(po)]:
            raise CommandError("\n".join(problems))
        else:
            lines = ["Every text is translated."]
        if verbosity:
            self.stdout.writelines(f"{line}\n" for line in lines)


def catalog_files() -> list[Path]:
    """Return the .po file of each language the site is translated into."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def compile_catalogs() -> list[Path]:
    """Write the .mo file beside each .po file where it differs, and return those written."""
    written = []
    for po in catalog_files():
        buffer = BytesIO()
        write_mo(buffer, _read(po))
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.read_bytes() != buffer.getvalue():
            _replace(mo, buffer.getvalue())
            written.append(mo)
    return written


def update(po: Path) -> list[str]:
    """Bring the file `po` up to date with the code: new texts in, gone ones out, translations kept.

    What a file in `parts/` translates wins over the catalogue. Returns what a translator should know, as lines.
    """
    lines = []
    fresh = Catalog(locale=po.parts[-3])
    given = {_key(message): message for message in _read(po) if message.id and _filled(message)}
    for part in sorted(po.parents[1].glob("parts/*.po")):
        for message in _read(part):
            if message.id and _filled(message):
                other = given.get(_key(message))
                if other and other.string != message.string:
                    lines.append(f"{part.name} changes {_shown(message)}: {other.string!r} -> {message.string!r}")
                given[_key(message)] = message
    for source, message in messages_in_code():
        entry = fresh.add(
            message.id, context=message.context, locations=[(source, 1)], auto_comments=message.auto_comments
        )
        if translated := given.get(_key(message)):
            entry.string = translated.string
    wanted = {_key(message): message for message in fresh if message.id}
    lines += [f"Not translated: {_shown(message)}" for message in wanted.values() if not _filled(message)]
    lines += [f"No longer used: {_shown(message)}" for key, message in given.items() if key not in wanted]
    buffer = BytesIO()
    write_po(buffer, fresh, width=110, sort_by_file=True, include_lineno=False, omit_header=True)
    header = _HEADER.format(language=po.parts[-3], plural=fresh.plural_forms)
    _replace(po, header.encode() + buffer.getvalue())
    return lines


def check(po: Path) -> list[str]:
    """Return what is wrong with the file `po` as lines: texts missing, unsure, unused, or with wrong places."""
    catalog = _read(po)
    problems, used = [], set()
    for source, wanted in messages_in_code():
        used.add(_key(wanted))
        message = catalog.get(wanted.id, wanted.context)
        if message is None:
            problems.append(f"{source}: not in the catalogue: {_shown(wanted)}")
        elif message.fuzzy:
            problems.append(f"{source}: marked as unsure: {_shown(wanted)}")
        elif not _filled(message):
            problems.append(f"{source}: not translated: {_shown(wanted)}")
        elif wanted.pluralizable != message.pluralizable or not _same_places(message):
            problems.append(f"{source}: other placeholders or forms than the text has: {_shown(wanted)}")
    problems += [
        f"no longer used: {_shown(message)}" for message in catalog if message.id and _key(message) not in used
    ]
    return list(dict.fromkeys(problems))


def messages_in_code() -> Iterator[tuple[str, Message]]:
    """Yield each text marked for translation in the code and the templates, with the file it stands in."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".py":
                text = templatize(text, origin=str(path))
            found = extract("python", BytesIO(text.encode()), KEYWORDS, ("Translators:",), {"encoding": "utf-8"})
            for _line, identity, comments, context in found:
                source = path.relative_to(ROOT).as_posix()
                yield source, Message(identity, context=context, auto_comments=comments)


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.parts[-3], charset="utf-8")
    # Babel would put the moment of reading into each .mo file, and none would ever be up to date.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    return catalog


def _replace(path: Path, content: bytes) -> None:
    """Write `path`: whoever reads it meanwhile finds the old content or the new, never half of one."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)


def _key(message: Message) -> tuple[str | None, str]:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def _shown(message: Message) -> str:
    context, text = _key(message)
    return f"{text!r} ({context})" if context else repr(text)


def _forms(texts: object) -> list[str]:
    return [texts] if isinstance(texts, str) else [str(text) for text in texts or ()]  # type: ignore[attr-defined]


def _filled(message: Message) -> bool:
    return bool(message.string) and all(_forms(message.string))


def _places(text: str) -> set[str]:
    return {"".join(groups) for groups in _PLACEHOLDER.findall(text)}


def _same_places(message: Message) -> bool:
    """Return whether each translated form takes what its text gives; only a singular may leave some out."""
    *singular, last = _forms(message.string)
    known = _places(_forms(message.id)[-1])
    return _places(last) == known and all(_places(form) <= known for form in singular)
