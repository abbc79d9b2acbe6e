"""What the docs tell people to type: that it is there, that it is taken, and what runs it for real."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
# What runs each command that the docs name, and the words by which it does.
RUN_BY = {
    "make ci": (".ci/run", "make test"),
    "make faults": ("tests/faults/test_faults.py", "faults"),
    "make help": ("tests/scripts/test_docs.py", '["make", "help"]'),
    "make live": ("tests/operation/test_live.py", '"scripts.live"'),
    "make model": ("tests/booking/test_model.py", "MODEL_EXAMPLES"),
    "make pictures": ("tests/scripts/test_pictures.py", '"scripts.pictures"'),
    "make run": ("tests/scripts/test_run.py", '"scripts/run.py"'),
    "make sbom": ("tests/scripts/test_sbom.py", "sbom"),
    "make secrets": ("tests/operation/test_compose.py", "secret_files.make"),
    "make stack": ("tests/scripts/test_stack.py", "stack"),
    "make test": (".ci/run", "make test"),
    "manage.py backup": ("tests/operation/test_live.py", "kennismaking.cron"),
    "manage.py check": ("tests/operation/test_live.py", '"check", "--deploy"'),
    "manage.py check_mail": ("tests/booking/test_mail_commands.py", '"check_mail"'),
    "manage.py create_therapist": ("tests/operation/test_live.py", '"create_therapist"'),
    "manage.py erasures": ("tests/operation/test_live.py", "kennismaking.cron"),
    "manage.py migrate": ("tests/operation/test_compose.py", 'command("migrate")'),
    "manage.py reencrypt": ("tests/booking/test_key_rotation.py", '"reencrypt"'),
    "manage.py restore": ("tests/operation/test_restore.py", '"restore"'),
    "manage.py send_test_mail": ("tests/booking/test_mail_commands.py", '"send_test_mail"'),
    "manage.py translations": ("tests/scripts/test_translations.py", "translations.update"),
}
# What no test runs, and why.
BY_HAND = {
    "make bench": "measures for minutes, on a machine that does nothing else",
    "make accessibility": "walks for many minutes; tests/browser/test_accessible.py walks a part of it",
    "make lighthouse": "likewise, and its parts are tested in tests/practice/test_weight.py",
    "make proxies": "needs nginx and Caddy; tests/operation/test_serving.py tries the same without them",
    "make lock": "asks the package registry; tests/scripts/test_environment.py looks at what it wrote",
}


def code() -> Iterator[tuple[Path, str]]:
    """Yield each line of each block of code, and each piece of code in a sentence, with the page it stands on."""
    markdown = MarkdownIt("commonmark").enable("table")
    for page in PAGES:
        for token in markdown.parse(page.read_text()):
            if token.type == "fence":
                yield from ((page, line) for line in token.content.splitlines())
            yield from ((page, child.content) for child in token.children or [] if child.type == "code_inline")


CODE = list(dict.fromkeys(code()))
MAKE = {target for _page, text in CODE for target in re.findall(r"(?:^|&& |\S=\S+ )make ([a-z]+)", text)}
# Up to where the shell goes on with something else.
MANAGE = {found for _page, text in CODE for found in re.findall(r"\bmanage\.py ([a-z_]+)([^|&;>#]*)", text)}


def test_make_tells_all_that_it_can() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    # Below another make it would say which folder it enters.
    help_me = ["make", "--no-print-directory", "help"]
    told = subprocess.run(help_me, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert phony
    assert {line.split()[1] for line in told.splitlines()} == set(phony[1].split()) - {"help"}


@pytest.mark.parametrize("target", sorted(MAKE))
def test_make_can_do_it(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "rest"), sorted(MANAGE))
def test_manage_takes_it(name: str, rest: str) -> None:
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    # What the shell would fill in is one word.
    words = shlex.split(re.sub(r"\$\([^)]*\)", "filled-in", rest))
    if not words or "--help" in words:
        # Named in passing.
        return

    try:
        command.create_parser("manage.py", name).parse_args(words)
    except CommandError as error:
        pytest.fail(f"manage.py {name} {rest}: {error}")


def test_each_command_is_run_for_real_somewhere() -> None:
    named = {f"make {target}" for target in MAKE} | {f"manage.py {name}" for name, _rest in MANAGE}

    assert named == RUN_BY.keys() | BY_HAND.keys()
    assert {
        command for command, (file, words) in RUN_BY.items() if words not in (ROOT / file).read_text()
    } == set()


def variables_read() -> set[str]:
    """Return every name that settings, scripts, tests or the Makefile take from the environment, or may."""
    sources = [ROOT / "practice" / "settings.py", ROOT / "gunicorn.conf.py", ROOT / ".ci" / "run"]
    sources += [*ROOT.glob("scripts/*"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("tests/*.py")]
    text = "\n".join(source.read_text() for source in sources if source.is_file())
    names = set(re.findall(r"""["']([A-Z][A-Z0-9_]+)["']""", text))
    names |= set(re.findall(r"\$\(?(?:or \$\()?([A-Z_]+)", (ROOT / "Makefile").read_text()))
    return names | {f"{name}_FILE" for name in names}


def test_each_variable_is_read_somewhere() -> None:
    named = {
        (page.name, name)
        for page, text in CODE
        for name in re.findall(r"(?:^|\s)([A-Z][A-Z0-9_]+)(?==|$)", text)
        if "_" in name or "=" in text
    }

    assert sorted((page, name) for page, name in named if name not in variables_read()) == []


def test_configuration_has_every_variable() -> None:
    settings = (ROOT / "practice" / "settings.py").read_text() + (ROOT / "gunicorn.conf.py").read_text()
    # The web server sets this one itself, for its own processes.
    read = {"PROMETHEUS_MULTIPROC_DIR"} ^ set(
        re.findall(r"""(?:env\.\w+|_number|_secret|os\.environ\.get)\(\s*"([A-Z_]+)\"""", settings)
    )
    page = (ROOT / "docs" / "configuration.md").read_text()

    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_each_file_that_is_named_is_there() -> None:
    folders = [ROOT, *(ROOT / name for name in ("docs", "booking", "practice", "templates", "static", "tests"))]
    folders.append(ROOT / "tests" / "booking")
    # What make makes is there only later.
    made = set((ROOT / ".gitignore").read_text().split())
    files = re.compile(r"^[\w.-]+(?:/[\w.*-]*)*$")
    kinds = {
        ".py",
        ".md",
        ".html",
        ".css",
        ".js",
        ".yml",
        ".toml",
        ".txt",
        ".in",
        ".po",
        ".conf",
        ".cron",
        ".service",
    }
    named = {
        (page.name, text)
        for page, text in CODE
        if files.match(text) and (Path(text).suffix in kinds or text.endswith("/")) and text not in made
    }

    missing = [
        (page, name) for page, name in sorted(named) if not any(any(folder.glob(name)) for folder in folders)
    ]
    assert missing == []


def test_the_list_of_decisions_has_all_of_them() -> None:
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"^- \[(\d+)\. (.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE)

    assert [file for _number, _title, file in listed] == files
    for number, title, file in listed:
        assert (folder / file).read_text().startswith(f"# {number}. {title}\n")
        assert file.startswith(f"{int(number):04}-")


def test_each_module_of_booking_has_its_place_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    modules = {path.name for path in (ROOT / "booking").glob("*.py")} - {"__init__.py", "apps.py", "urls.py"}

    assert sorted(name for name in modules if f"`{name}`" not in page) == []
