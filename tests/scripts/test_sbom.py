"""What is installed to serve can be listed for whoever watches over holes in libraries."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_locked_library_is_listed_with_its_hash(tmp_path: Path) -> None:
    command = re.search(r"cyclonedx-py (.+?)\n\t@echo", (ROOT / "Makefile").read_text(), re.DOTALL)
    assert command
    arguments = command[1].replace("\\\n", " ").replace("sbom.cdx.json", str(tmp_path / "sbom.json")).split()

    subprocess.run([sys.executable, "-m", "cyclonedx_py", *arguments], cwd=ROOT, check=True, capture_output=True)

    listed = json.loads((tmp_path / "sbom.json").read_text())["components"]
    locked = re.findall(r"^(\S+)==(\S+?)(?: |$)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {(found["name"], found["version"]) for found in listed} == set(locked)
    assert all(reference["hashes"] for found in listed for reference in found["externalReferences"])
