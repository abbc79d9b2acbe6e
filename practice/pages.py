"""From the Markdown that the practice writes to HTML that can do no harm."""

from collections.abc import Iterator, Sequence
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

from practice.links import absolute
from practice.pictures import ADDRESS, Shown

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "rel", "title"},
    "img": {"src", "alt", "title", "width", "height", "loading"},
    "ol": {"start"},
}
# What search engines let stand in an answer.
_TAGS_OF_ANSWERS = {"a", "br", "em", "li", "ol", "p", "strong", "ul"}


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
    if not ADDRESS.fullmatch(source):
        return f'<img src="{escape(source)}" alt="{escape(words)}">'
    picture = env["pictures"].get(source)
    if not picture:
        return escape(words)
    # With its size, nothing moves when it comes; with its own words, no page can leave them out.
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="{source}" alt="{escape(words or picture.words)}" {size} loading="lazy">'


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
def to_html(markdown: str, pictures: tuple[Shown, ...] = ()) -> SafeString:
    """Return `markdown` (CommonMark with tables, no HTML) as HTML that is safe to show anywhere in a page.

    `pictures` are those that it names (`pictures.shown_in`); of others the words stay.
    """
    tokens = _MARKDOWN.parse(markdown)
    _outline(tokens)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {"pictures": {one.path: one for one in pictures}})
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


def links_of(markdown: str) -> list[str]:
    """Return where the links of `markdown` lead, as they are written, each once."""
    inline = [child for token in _MARKDOWN.parse(markdown) for child in token.children or []]
    return list(dict.fromkeys(str(token.attrs["href"]) for token in inline if token.type == "link_open"))


def questions_of(markdown: str) -> list[tuple[str, str]]:
    """Return each question of `markdown`, which is a heading that ends in a question mark, and its answer.

    The answer is all up to the next heading that is no smaller, as HTML with whole addresses and without pictures.
    """
    tokens = _MARKDOWN.parse(markdown)
    asked = [(words, _answer(tokens[start:end])) for words, start, end in _headings(tokens) if words.endswith("?")]
    return [(question, answer) for question, answer in asked if answer]


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[str, int, int]]:
    """Yield the words of each heading, and between which tokens stands what it is about."""
    openings = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
    for index in openings:
        next_ones = (other for other in openings if other > index and tokens[other].tag <= tokens[index].tag)
        words = "".join(child.content for child in tokens[index + 1].children or [])
        yield words, index + 3, next(next_ones, len(tokens))


def _answer(tokens: Sequence[Token]) -> str:
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {"pictures": {}})
    allowed = {"a": {"href"}}
    kept = nh3.clean(html, tags=_TAGS_OF_ANSWERS, attributes=allowed, link_rel=None)
    return kept.replace('href="/', f'href="{absolute("/")}').strip()


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
