import re
from html import unescape
from typing import Any


def text(response: Any) -> str:
    """Return what a reader sees of the page's main part, tags and double spaces taken out."""
    main = re.search(r"<main.*?</main>", response.content.decode(), re.DOTALL)
    assert main, "a page has a main part"
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main[0])).split())


def dead_ends(response: Any) -> list[str]:
    """Return the fields to which the page says that something is wrong, but where nothing can be filled in."""
    page = response.content.decode()
    summary = re.search(r'id="errors".*?</div>', page, re.DOTALL)
    assert summary, "what is wrong is said above the form"
    fields = re.findall(r'href="#(.*?)"', summary[0])
    assert fields, "what is wrong leads to its field"
    return [field for field in fields if not re.search(rf'<(input|select|textarea)\b[^>]* id="{field}"', page)]
