"""What the program never does, looked for in its own text: docs/asvs.md says of each that there is none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from celery_app import app

ROOT = Path(__file__).resolve().parents[2]
FILES = [*(ROOT / "booking").rglob("*.py"), *(ROOT / "practice").rglob("*.py"), ROOT / "celery_app.py"]
# What makes objects or code of what it reads, and what reads XML.
NEVER_IMPORTED = {
    *("pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml", "code", "importlib"),
    *("xml", "lxml", "defusedxml", "xmltodict", "bs4"),
}
NEVER_CALLED = {"eval", "exec", "compile", "__import__", "system", "popen", "Popen", "check_output", "mark_safe"}
# A word of the program's own table, one after the other.
OWN_WORDS = {"devices.py: f'\\\\b{word}/'"}
# Starts the child that reads calendars, with arguments of its own alone.
STARTS_A_CHILD = "calendar_files.py"


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_nothing_that_is_read_becomes_an_object_or_code() -> None:
    found = set()
    for path, node in nodes():
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {f"{path.name}: {name}" for name in names if name.split(".")[0] in NEVER_IMPORTED}
        is_pattern = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func)
        if isinstance(node, ast.Call) and name_of(node) in NEVER_CALLED and not is_pattern:
            found.add(f"{path.name}: {name_of(node)}()")

    assert not found


def _is_re(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == "re"


def test_no_command_is_made_of_what_was_typed() -> None:
    calls = [
        (path.name, node)
        for path, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _module(node.func) == "subprocess"
    ]

    [(name, call)] = calls
    assert name == STARTS_A_CHILD
    [arguments] = call.args
    assert ast.unparse(arguments) == "[sys.executable, '-m', 'booking.calendar_reader']"
    assert "shell" not in {keyword.arg for keyword in call.keywords}


def _module(function: ast.Attribute) -> str:
    return function.value.id if isinstance(function.value, ast.Name) else ""


def test_patterns_stand_in_the_program_and_are_made_of_no_input() -> None:
    """Each is a constant, or put together of constants and of names in capitals, which are constants here."""
    found = []
    for path, node in nodes():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func)):
            continue
        pattern = node.args[0]
        names = [part.id for part in ast.walk(pattern) if isinstance(part, ast.Name)]
        if any(isinstance(part, ast.Call) for part in ast.walk(pattern)) or not all(
            re.fullmatch(r"_?[A-Z_]+", name) for name in names
        ):
            found.append(f"{path.name}: {ast.unparse(pattern)}")

    assert set(found) == OWN_WORDS


@pytest.mark.parametrize("what", ["accept_content", "result_accept_content"])
def test_the_queue_takes_json_alone(what: str) -> None:
    assert set(app.conf[what] or ["json"]) == {"json"}
    assert app.conf.task_serializer == "json"


def test_sessions_are_json() -> None:
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"


@pytest.mark.parametrize("folder", ["static", "templates"])
def test_no_script_makes_code_of_text(folder: str) -> None:
    """What htmx could evaluate is switched off (templates/parts/htmx.html), and the CSP refuses it besides."""
    files = [*(ROOT / folder).glob("*.js"), *(ROOT / folder).rglob("*.html")]

    made = re.compile(
        r"\beval\(|new Function|hx-on|hx-vals=.js:|hx-vars|hx-headers=.js:|set(Timeout|Interval)\(['\"`]"
    )
    assert [path.name for path in files if made.search(path.read_text(encoding="utf-8"))] == []
    assert '"allowEval":false' in (ROOT / "templates/parts/htmx.html").read_text(encoding="utf-8")
