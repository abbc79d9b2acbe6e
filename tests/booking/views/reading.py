import re
from html import unescape
from typing import Any


def text(response: Any) -> str:
    """Return what a reader sees of the page's main part, tags and double spaces taken out."""
    main = re.search(r"<main.*?</main>", response.content.decode(), re.DOTALL)
    assert main, "a page has a main part"
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main[0])).split())
