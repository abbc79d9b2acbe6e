"""No text that somebody sends keeps an expression busy: the time grows with the length, not with its square."""

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.validators import EmailValidator, RegexValidator, URLValidator

import booking
import practice
from practice.logs import LONGEST, redact
from tests.attacks import MOST, attacks, example, seconds

ROOT = Path(__file__).resolve().parents[2]
SIZE = 10_000
# They read what we wrote ourselves, on our own machines; the last one starts the site, and has no expression.
NOT_FOREIGN = {"practice.management.commands.translations", "practice.style_guide", "practice.wsgi"}


def modules() -> Iterator[Any]:
    """Yield every module of our own, and the web server's settings."""
    for package in (booking, practice):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name and found.name not in NOT_FOREIGN:
                yield importlib.import_module(found.name)
    spec = importlib.util.spec_from_file_location("gunicorn_conf", ROOT / "gunicorn.conf.py")
    assert spec
    assert spec.loader
    settings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings)
    yield settings


def patterns_in(value: Any) -> Iterator["re.Pattern[Any]"]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, RegexValidator):
        yield re.compile(getattr(value.regex, "pattern", value.regex))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from patterns_in(one)
    elif isinstance(value, dict):
        yield from patterns_in([*value.keys(), *value.values()])


def own_patterns() -> dict[str, "re.Pattern[Any]"]:
    """Return every compiled expression that stands in a module of ours, by where it stands."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("__") or isinstance(value, (URLValidator, EmailValidator)):
                continue
            for number, pattern in enumerate(patterns_in(value)):
                found.setdefault(f"{module.__name__}.{name}{f'[{number}]' if number else ''}", pattern)
    return found


def slowest(pattern: "re.Pattern[Any]", size: int = SIZE) -> tuple[float, str]:
    """Return the most processor time that `pattern` takes for one text of `size`, and the text's beginning."""
    worst, text = 0.0, ""
    for attack in attacks(example(pattern), size):
        given: Any = attack.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else attack
        empty: Any = given[:0]

        def work(given: Any = given, empty: Any = empty) -> None:
            pattern.sub(empty, given)
            pattern.fullmatch(given)

        taken = seconds(work)
        if taken > worst:
            worst, text = taken, attack[:60]
        if worst > MOST:
            break
    return worst, text


@pytest.mark.parametrize("where", OWN := own_patterns())
def test_every_expression_of_our_own_is_linear(where: str) -> None:
    taken, text = slowest(OWN[where])

    assert taken < MOST, f"{where} takes {taken:.3f} s for {text!r}…"


@pytest.mark.parametrize(
    "once",
    [
        r"[^\s<>()\"',;:=]+@[^\s<>()\"',;:]+\.\w+",
        r"[\w-]{16,}\.\d+\.[\w-]{32,}",
        r"(?ims)^BEGIN:VEVENT\n.*?^END:VEVENT\n",
        r"(a+)+b",
    ],
)
def test_measure_sees_expressions_that_are_not_linear(once: str) -> None:
    size = 22 if once.startswith("(a") else SIZE

    assert slowest(re.compile(once), size)[0] > MOST


def test_expressions_stand_where_the_measure_finds_them() -> None:
    paths = [*ROOT.glob("booking/**/*.py"), *ROOT.glob("practice/**/*.py"), ROOT / "gunicorn.conf.py"]

    assert [found for path in sorted(paths) for found in hidden_expressions(path)] == []


def hidden_expressions(path: Path) -> Iterator[str]:
    """Yield where the file at `path` has an expression that is compiled when it is used."""
    if ".".join(path.relative_to(ROOT).with_suffix("").parts) in NOT_FOREIGN:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {node for top in ast.walk(tree) if isinstance(top, ast.FunctionDef) for node in ast.walk(top)}
    for node in ast.walk(tree):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.startswith("re.") and (node in inside or called != "re.compile"):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("size", [4_000, LONGEST, 250_000])
def test_a_line_for_the_log_is_cleaned_at_once(size: int) -> None:
    seeds = ["/@@@", "a@a.a", "/afspraak/beheer/", "q83vEjRWeJASNFZ4.0.", "%2540", '"a"@', "+31 6", "DETAIL: "]

    for attack in (attack for seed in seeds for attack in attacks(seed, size)):
        taken = seconds(partial(redact, attack))
        assert taken < MOST, f"{taken:.3f} s for {attack[:60]!r}…"
