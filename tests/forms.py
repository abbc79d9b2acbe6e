"""The forms of a page as a browser sees them: where they go, and what they would send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

_FILLED = {
    "email": "noor@example.org",
    "tel": "0612345678",
    "date": "2026-12-03",
    "time": "10:00",
    "datetime-local": "2026-12-03T10:00",
    "number": "1",
    "url": "https://kalender.example/a.ics",
    "password": "een lang wachtwoord",
}


@dataclass
class Form:
    """One form: its method, its path, what it sends when filled in plainly, and which fields are typed in."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[Form] = []
        self.inside: Form | None = None
        self.select = self.textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = Form(found.get("method", "get").upper(), urljoin(self.page, found.get("action", "")))
            self.forms.append(self.inside)
        if self.inside is None or "disabled" in found:
            return
        name = found.get("name", "")
        if tag == "input" and name:
            self._input(self.inside, name, found)
        elif tag == "select" and name:
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in found or (found.get("value") and not self.inside.values.get(self.select)):
                self.inside.values[self.select] = found.get("value", "")
        elif tag == "textarea" and name:
            self.inside.values[name] = "Noor"
            self.inside.typed.append(name)
        elif tag == "button" and name and name not in self.inside.values:
            self.inside.values[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "select":
            self.select = ""

    @staticmethod
    def _input(form: Form, name: str, found: dict[str, str]) -> None:
        kind = found.get("type", "text")
        if kind in {"radio", "checkbox"}:
            if "checked" in found or name not in form.values:
                form.values[name] = found.get("value", "on")
        elif kind not in {"submit", "file"}:
            form.values[name] = found.get("value") or _FILLED.get(kind, "Noor")
            # What is hidden is typed by whoever writes a program.
            if name != "csrfmiddlewaretoken":
                form.typed.append(name)


def forms(page: str, html: str) -> list[Form]:
    """Return the forms of `html`, which was found at the path `page`."""
    reader = _Reader(page)
    reader.feed(html)
    return reader.forms
