"""The pictures of README and handbook: made by one command, light enough to carry along, and all of them shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.png"))


def test_they_are_light() -> None:
    assert [picture.name for picture in PICTURES if picture.stat().st_size > 120 * 1024] == []
    assert sum(picture.stat().st_size for picture in PICTURES) < 1.5 * 1024 * 1024


def test_each_is_shown_and_made_by_the_script() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text())}
    made = set(re.findall(r'keep\(page, "([\w-]+)"', (ROOT / "scripts" / "pictures.py").read_text()))

    assert {picture.stem for picture in PICTURES} == shown == made


@pytest.mark.servers
@pytest.mark.browser
def test_they_come_from_a_demo_that_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    data = tmp_path / "data"

    subprocess.run(
        [sys.executable, "-m", "scripts.pictures", "klaar", "cijfers", "--into", tmp_path / "pictures"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary"), "DATA_DIR": str(data)},
        check=True,
        capture_output=True,
        timeout=240,
    )

    made = {picture.stem: picture for picture in (tmp_path / "pictures").iterdir()}
    assert set(made) == {"klaar", "cijfers"}
    for name, picture in made.items():
        with Image.open(picture) as new, Image.open(ROOT / "docs" / "pictures" / f"{name}.png") as kept:
            # A page grows and shrinks with its words, and the picture is renewed when somebody looks.
            assert new.width == kept.width
    assert not data.exists()
    assert list((tmp_path / "temporary").iterdir()) == []
