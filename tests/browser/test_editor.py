"""The editor of pages in a real browser: where a picture goes."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PICTURE = "![Speelkamer](/beeld/1.webp)"
SCRIPT = Path("static/editor.js").read_text()
# What the script finds on the page of the admin.
PAGE = f"""
<form id="page_form"><textarea name="body"></textarea></form><div id="preview" data-form="page_form"></div>
<div id="pictures"><ul><li><code>{PICTURE}</code></li></ul></div>
"""


@pytest.fixture(scope="module")
def editor(browser: Browser) -> Page:
    page = browser.new_page()
    page.set_content(PAGE)
    page.add_script_tag(content=SCRIPT)
    return page


@pytest.mark.parametrize(
    ("typed", "then"),
    [
        ("|", "P|"),
        ("|## Wie\n\nWij.", "P|\n\n## Wie\n\nWij."),
        ("## Wie|\n\nWij.", "## Wie\n\nP|\n\nWij."),
        ("## W|ie\nWij.", "## Wie\n\nP|\n\nWij."),
        ("Wij\n|## Wie", "Wij\n\nP|\n\n## Wie"),
        ("## Wie\n|Wij.", "## Wie\n\nP|\n\nWij."),
        ("Wij wa|ren\nhier.\n\n## Wie\n", "Wij waren\nhier.\n\nP|\n\n## Wie\n"),
        ("Wij waren\n|hier.\n## Wie", "Wij waren\nhier.\n\nP|\n\n## Wie"),
        ("- een|\n- twee\n\nDan.", "- een\n- twee\n\nP|\n\nDan."),
        ("Een.\n\n|\n\nTwee.", "Een.\n\nP|\n\nTwee."),
        ("Een.\n|\nTwee.", "Een.\n\nP|\n\nTwee."),
        ("Een.\n\n\n\n|## Twee", "Een.\n\nP|\n\n## Twee"),
        ("Een.|", "Een.\n\nP|"),
        ("Een.\n\n|", "Een.\n\nP|\n\n"),
        ("Een.\n \t\n|- twee", "Een.\n\nP|\n\n- twee"),
        ("[Een] twee| drie.", "Een twee drie.\n\nP|"),
    ],
)
def test_a_picture_becomes_a_paragraph_and_takes_nothing_away(editor: Page, typed: str, then: str) -> None:
    # A bar is the cursor; what is in brackets before it is selected.
    start = typed.find("[")
    plain = typed.replace("[", "").replace("]", "")
    cursor = plain.index("|")
    text = editor.locator("textarea")
    text.fill(plain.replace("|", ""))
    text.evaluate("(it, [from, to]) => it.setSelectionRange(from, to)", [start if start >= 0 else cursor, cursor])

    editor.locator("#pictures button").click()

    found = text.evaluate("it => it.value.slice(0, it.selectionEnd) + '|' + it.value.slice(it.selectionEnd)")
    assert found.replace(PICTURE, "P") == then
