"""What a spreadsheet makes of our files."""

import csv

import pytest

from booking.views import spreadsheets


def opened(text: str) -> list[list[str]]:
    """Return the cells that a Dutch Excel reads in `text`."""
    assert text.startswith("\ufeff")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), delimiter=";"))


def test_each_cell_stays_one_whatever_stands_in_it() -> None:
    cells = ["a;b", 'zei "ja"', "twee\r\nregels", "1,5", "é"]

    assert opened("".join(spreadsheets.lines([cells, [1, None, "", 0, -2]]))) == [cells, ["1", "", "", "0", "-2"]]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+31", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1+1", "\u00a0=1", "＝1", "＠x", '=HYPERLINK("x";"y")'],
)
def test_a_text_is_no_formula(text: str) -> None:
    assert opened("".join(spreadsheets.lines([[text, "x"]])))[0][0] == f"'{text}"
