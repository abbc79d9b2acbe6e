"""The script that makes `.venv`: once, and again when it was interrupted."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with a Python in it, and nothing installed yet."""
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(environment, "VENV", folder)
    monkeypatch.setattr(environment, "PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", folder / "installed.json")
    return folder


def test_lock_file_is_installed_once(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installs: list[str] = []
    monkeypatch.setattr(environment, "_install", installs.append)

    environment.ensure("requirements.txt")
    environment.ensure("requirements-test.txt")
    environment.ensure("requirements.txt")

    assert installs == ["requirements.txt", "requirements-test.txt"]


def test_interrupted_install_is_done_again(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_install", lambda lock_file: None)
    environment.ensure("requirements.txt")

    def interrupted(lock_file: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "_install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.ensure("requirements-test.txt")

    assert environment.installed() == {}


def test_environment_whose_python_is_gone_counts_for_nothing(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_install", lambda lock_file: None)
    environment.ensure("requirements.txt")

    (venv / "bin" / "python").unlink()

    assert environment.installed() == {}


def test_missing_python_gets_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "scripts/python.sh", "scripts/run.py", "--check"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed and was not found.")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_lock_file_has_hashes_and_no_address(name: str) -> None:
    lock = (ROOT / name).read_text()

    assert lock.count("--hash=sha256:") >= lock.count("==")
    assert "://" not in lock
    assert "--index-url" not in lock


def test_tests_run_on_the_versions_that_serve() -> None:
    def pins(name: str) -> set[str]:
        return {line.split(" ")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line}

    assert pins("requirements.txt") <= pins("requirements-test.txt")
