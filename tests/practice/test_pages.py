from pathlib import Path

import pytest

from practice.pages import read_source, to_html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# One\n\n## Two", "<h2>One</h2>\n<h3>Two</h3>\n"),
        ("## One\n\n#### Four", "<h2>One</h2>\n<h3>Four</h3>\n"),
        ("### A\n\n## B", "<h2>A</h2>\n<h2>B</h2>\n"),
    ],
    ids=["starts at h2", "skips no level", "starts below its highest"],
)
def test_headings_follow_the_title(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](JaVaScRiPt:alert(1))",
        "[click](data:text/html,<script>alert(1)</script>)",
        "[click](vbscript:x)",
        "<a href='/' onclick='alert(1)'>x</a>",
        '[x](/ "a\\" onmouseover=\\"alert(1)")',
        "<style>body{display:none}</style>",
        "<iframe src='https://elsewhere.example'></iframe>",
    ],
)
def test_nothing_runs(markdown: str) -> None:
    import nh3

    html = to_html(markdown)

    elements = nh3.clean(html, tags={"p", "a"}, attributes={"a": {"href", "title"}}, link_rel=None)
    assert elements == html
    assert 'href="javascript' not in html.lower()
    assert 'href="data' not in html.lower()
    assert "<script" not in html
    assert "<style" not in html


@pytest.mark.parametrize(
    "source",
    ["https://elsewhere.example/a.png", "//elsewhere.example/a.png", "a.png"],
)
def test_picture_from_elsewhere_leaves_its_words(source: str) -> None:
    assert to_html(f"![A thumb]({source})") == "<p>A thumb</p>\n"


def test_own_picture_is_shown() -> None:
    assert to_html("![A thumb](/static/a.png)") == '<p><img src="/static/a.png" alt="A thumb"></p>\n'


def test_link_elsewhere_gives_nothing_away(settings: object) -> None:
    assert to_html("[AP](https://autoriteitpersoonsgegevens.nl/)") == (
        '<p><a href="https://autoriteitpersoonsgegevens.nl/" rel="noopener">AP</a></p>\n'
    )
    assert to_html("[here](/contact/)") == '<p><a href="/contact/">here</a></p>\n'


def test_table_is_shown() -> None:
    assert "<th>Age</th>" in to_html("| Age |\n| --- |\n| 12 |")


def test_source_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text(
        "---\ntitle: A: b\nmenu_title: A\ndescription: c\nmenu_order: 2\nin_menu: no\n---\n\ntext\n---\nmore\n"
    )

    source = read_source(file)

    assert (source.title, source.menu_order, source.in_menu) == ("A: b", 2, False)
    assert source.body == "text\n---\nmore\n"


@pytest.mark.parametrize("text", ["no head\n", "---\ntitle: A\n---\nbody\n", "x\n---\ntitle: A\n---\nbody\n"])
def test_source_without_a_whole_head_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.md"
    file.write_text(text)

    with pytest.raises(ValueError, match=r"a\.md|unpack"):
        read_source(file)
