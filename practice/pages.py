"""From the Markdown that the practice writes to HTML that can do no harm."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import nh3
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "rel", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


def _is_foreign(address: str) -> bool:
    """Return whether `address` leads off this site."""
    host = urlsplit(address).netloc
    return bool(host) and host != urlsplit(settings.BASE_URL).netloc


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    # A picture from elsewhere would tell that place who reads about a child's problems: its words stay.
    token = tokens[index]
    words = renderer.renderInlineAsText(token.children, options, env)
    source = str(token.attrs["src"])
    if not source.startswith("/") or _is_foreign(source):
        return escape(words)
    return f'<img src="{escape(source)}" alt="{escape(words)}">'


def _link_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    if _is_foreign(str(tokens[index].attrs["href"])):
        tokens[index].attrSet("rel", "noopener")
    return renderer.renderToken(tokens, index, options, env)


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.add_render_rule("image", _image)
_MARKDOWN.add_render_rule("link_open", _link_open)


def _outline(tokens: Sequence[Token]) -> None:
    """Let the headings of `tokens` start at h2, under the page's own h1, and skip no level."""
    opening = [token for token in tokens if token.type == "heading_open"]
    closing = [token for token in tokens if token.type == "heading_close"]
    highest = min((int(token.tag[1]) for token in opening), default=2)
    level = 1
    for start, end in zip(opening, closing, strict=True):
        level = min(int(start.tag[1]) - highest + 2, level + 1, 6)
        start.tag = end.tag = f"h{level}"


@lru_cache(maxsize=128)
def to_html(markdown: str) -> SafeString:
    """Return `markdown` (CommonMark with tables, no HTML) as HTML that is safe to show anywhere in a page."""
    tokens = _MARKDOWN.parse(markdown)
    _outline(tokens)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # The parser lets no HTML through by itself; this holds even where it errs.
    return SafeString(
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel=None,
        )
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A page as its file has it."""

    title: str
    menu_title: str
    description: str
    menu_order: int
    in_menu: bool
    body: str


def read_source(path: Path) -> Source:
    """Return the page in the file `path`: lines `name: value` between two lines `---`, then Markdown.

    Raises ValueError where the head is missing or lacks a name.
    """
    opening, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    if opening.strip():
        raise ValueError(f"{path.name} does not start with its title and description between two lines of ---.")
    values = dict(line.split(": ", 1) for line in head.strip().splitlines())
    try:
        return Source(
            title=values["title"],
            menu_title=values["menu_title"],
            description=values["description"],
            menu_order=int(values["menu_order"]),
            in_menu=values.get("in_menu", "yes") == "yes",
            body=body.strip() + "\n",
        )
    except KeyError as error:
        raise ValueError(f"{path.name} lacks {error} in its head.") from error
