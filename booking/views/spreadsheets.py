"""Files for a spreadsheet: what Excel opens by a double click, in Dutch or English, and in which nothing runs."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

CONTENT_TYPE = "text/csv; charset=utf-8"
# By this mark spreadsheets know that the file is UTF-8.
_MARK = "\ufeff"
# A Dutch Excel takes the comma for the decimal sign, and splits at semicolons alone.
_BETWEEN = ";"
# By these a spreadsheet begins a formula (OWASP, CSV injection), some by their wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file that gives back what is written to it, line by line."""

    def write(self, line: str) -> str:
        return line


def lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield `rows` as the lines of a file.

    None is an empty cell. A text that would be a formula gets a quotation mark in front, and stays a text.
    """
    writer = csv.writer(_Echo(), delimiter=_BETWEEN)
    yield _MARK
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    # Spaces in front are passed over by some.
    return f"'{value}" if value.lstrip(" \u00a0").startswith(_FORMULA) else value
