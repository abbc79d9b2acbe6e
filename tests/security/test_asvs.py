"""docs/asvs.md leaves out no requirement, and each test that it names is there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "asvs.md").read_text(encoding="utf-8")

# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 begins with; those of level 3 come last.
SECTIONS = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4
5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3
11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3
15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2
"""
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (\w+) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.partition("## What does not apply")[0])
NOT_APPLYING = PAGE.partition("## What does not apply")[2]


def asked_for() -> list[str]:
    counts = (section.split(":") for section in SECTIONS.split())
    return [f"{section}.{number}" for section, count in counts for number in range(1, int(count) + 1)]


def set_aside() -> list[str]:
    ranges = re.findall(r"(\d+)\.\d+\.\d+ to \1\.\d+\.\d+", NOT_APPLYING)
    whole = [number for number in asked_for() if number.split(".")[0] in ranges]
    return whole + [number for number in re.findall(r"\d+\.\d+\.\d+", NOT_APPLYING) if number not in whole]


def test_each_requirement_of_level_two_has_one_row_or_a_reason() -> None:
    answered = [number for number, *_ in ROWS] + [number for number in set_aside() if number in asked_for()]

    assert sorted(answered) == sorted(asked_for())


def test_a_claim_has_a_test_and_what_is_not_claimed_says_so() -> None:
    for number, _, state, how, proof in ROWS:
        assert state in {"met", "partly", "operator"}, number
        assert how.strip(" -"), number
        assert state == "operator" or proof != "-", number


@pytest.mark.parametrize("named", sorted({named for *_, proof in ROWS for named in proof.split(", ")} - {"-"}))
def test_the_tests_that_it_names_are_there(named: str) -> None:
    path, _, name = named.partition("::")
    *classes, function = name.split(".")

    source = (TESTS / path).read_text(encoding="utf-8")

    assert f"def {function}(" in source
    assert all(f"class {name}" in source for name in classes)
