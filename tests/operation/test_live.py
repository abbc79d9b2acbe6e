"""docs/live.md: what `deploy/` puts on one machine, read as a careful operator would, and run."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from practice.serving import MOST_BODY
from scripts import live, stack
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = ("web", "worker", "beat")
NAME = "afspraken.praktijk.example"


def unit(name: str) -> dict[str, list[str]]:
    """Return what `deploy/kennismaking-<name>.service` says: each word, and all it is set to."""
    said: dict[str, list[str]] = {}
    for line in (DEPLOY / f"kennismaking-{name}.service").read_text().splitlines():
        word, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            said.setdefault(word, []).append(value)
    return said


class TestTheUnits:
    @pytest.mark.parametrize("name", SERVICES)
    def test_each_starts_what_the_procfile_does(self, name: str) -> None:
        [command] = unit(name)["ExecStart"]

        assert ["python", *shlex.split(command)[1:]] == stack.commands()[name]
        assert shlex.split(command)[0] == "/srv/kennismaking/.venv/bin/python"

    @pytest.mark.parametrize("name", SERVICES)
    def test_each_is_started_again_and_may_write_the_data_alone(self, name: str) -> None:
        said = unit(name)

        assert said["User"] == ["kennismaking"]
        assert said["Restart"] == ["always"]
        assert said["ProtectSystem"] == ["strict"]
        assert said["ReadWritePaths"] == ["/srv/kennismaking/data"]
        assert said["NoNewPrivileges"] == ["yes"]
        assert said["CapabilityBoundingSet"] == [""]
        assert said["EnvironmentFile"] == ["/srv/kennismaking/data/practice.env"]

    def test_all_stop_with_the_target_and_nothing_serves_before_the_tables_are_there(self) -> None:
        target = (DEPLOY / "kennismaking.target").read_text()

        assert all(f"kennismaking-{name}.service" in target for name in SERVICES)
        assert all(unit(name)["PartOf"] == ["kennismaking.target"] for name in SERVICES)
        # `notify` says when it serves, and that is after what comes before it.
        assert unit("web")["Type"] == ["notify"]
        assert unit("web")["ExecStartPre"] == ["/srv/kennismaking/.venv/bin/python -m scripts.prepare"]
        assert all("kennismaking-web.service" in unit(name)["After"] for name in ("worker", "beat"))

    def test_a_mail_under_way_can_end(self) -> None:
        assert int(unit("worker")["TimeoutStopSec"][0]) > 60
        assert int(unit("web")["TimeoutStopSec"][0]) > 20

    def test_systemd_finds_nothing_wrong(self, tmp_path: Path) -> None:
        for file in (*DEPLOY.glob("*.service"), DEPLOY / "kennismaking.target"):
            here = file.read_text().replace("/srv/kennismaking/.venv/bin/python", sys.executable)
            (tmp_path / file.name).write_text(here)
        command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "kennismaking.target")]
        if not shutil.which(command[0]):
            # Where there is no systemd, that it can be read as above has to do.
            return

        done = subprocess.run(command, capture_output=True, text=True, check=False)

        ours = [line for line in done.stderr.splitlines() if "kennismaking" in line]
        # A user of this machine and the folders of another one are not looked for.
        assert ours == []


@pytest.mark.parametrize("file", ["Caddyfile", "nginx.conf"])
def test_a_proxy_leads_to_where_the_site_listens(file: str) -> None:
    text = (DEPLOY / file).read_text()

    assert NAME in text
    assert re.findall(r"127\.0\.0\.1:\d+", text) == ["127.0.0.1:8000"]


def test_proxies_take_as_much_as_the_web_server_and_no_longer() -> None:
    caddy, nginx = ((DEPLOY / file).read_text() for file in ("Caddyfile", "nginx.conf"))

    assert f"max_size {MOST_BODY // 1024**2}MiB" in caddy
    assert f"client_max_body_size {MOST_BODY // 1024**2}m;" in nginx
    assert all(f"\t{term} " in caddy for term in ("read_header", "read_body", "write", "idle"))
    assert all(f" {term}_timeout " in nginx for term in ("client_header", "client_body", "send"))


class Machine:
    """What docs/live.md makes of a machine, in a folder of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.port = free_port()
        self.env = {**kept, "DATA_DIR": str(self.data), "PORT": str(self.port)}

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def cron(self) -> None:
        """Run each line of the crontab as its user would, on the folders of this machine."""
        here = {"/var/backups/kennismaking": str(self.folder / "backups"), ".venv/bin/python": sys.executable}
        for line in (DEPLOY / "kennismaking.cron").read_text().splitlines():
            if line.startswith("#"):
                continue
            # Five words for when, one for whose; and cron knows no bare percent sign.
            command = line.split(None, 6)[6].replace("cd /srv/kennismaking && ", "").replace("\\%", "%")
            for there, path in here.items():
                command = command.replace(there, path)
            subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, env=self.env, check=True, capture_output=True)

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and body of what the web server answers; a redirect is not followed."""

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *args: object, **kwargs: object) -> None:
                return None

        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": NAME, **headers})
        try:
            with urllib.request.build_opener(Stay()).open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", "")


@pytest.mark.servers
def test_step_by_step_a_machine_goes_live(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    assert machine.run("-m", "scripts.live").returncode == 0
    file = machine.data / "practice.env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "DEMO" not in file.read_text()
    # What is not filled in is said, and nothing is made.
    refused = machine.run("-m", "scripts.prepare")
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        "BASE_URL must be a whole address, such as https://praktijk.example",
    )
    before = file.read_text()
    filled = before.replace("BASE_URL=", f"BASE_URL=https://{NAME}")
    file.write_text(
        filled.replace("EMAIL_URL=", "EMAIL_URL=smtp+tls://info%40praktijk.example:x@mail.example:587")
    )
    assert machine.run("-m", "scripts.live").returncode == 0
    assert file.read_text().startswith(before.partition("BASE_URL")[0])

    [prepare] = unit("web")["ExecStartPre"]
    assert machine.run(*shlex.split(prepare)[1:]).returncode == 0
    made = machine.run(
        *("manage.py", "create_therapist", "--email", "therapist@praktijk.example"),
        *("--name", "Anna de Boer", "--manager"),
    )
    assert made.stdout.startswith("Anna de Boer can sign in with therapist@praktijk.example.\nPassword: ")
    checked = machine.run("manage.py", "check", "--deploy", "--database", "default", "--fail-level", "WARNING")
    assert (checked.returncode, checked.stderr) == (0, "")
    forgotten = machine.run("manage.py", "check", "--deploy", EMAIL_URL="")
    assert forgotten.returncode == 1
    assert "practice.E004" in forgotten.stderr

    (tmp_path / "backups").mkdir()
    machine.cron()
    assert sorted(path.name.count("-") for path in (tmp_path / "backups").iterdir()) == [0, 2]

    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        # What systemd listens at for `Type=notify`.
        told.bind(f"{folder}/notify")
        told.settimeout(60)
        [command] = unit("web")["ExecStart"]
        web = subprocess.Popen(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=ROOT,
            env={**machine.env, "NOTIFY_SOCKET": f"{folder}/notify"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert told.recv(1000).startswith(b"READY=1")
            assert machine.ask("/", **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})[0] == 200
            assert machine.ask("/afspraak/") == (301, f"https://{NAME}/afspraak/")
        finally:
            web.terminate()
            web.wait(30)


def test_a_demo_does_not_go_live(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.data.mkdir()
    (machine.data / "practice.env").write_text("DEMO=1\n")

    done = machine.run("-m", "scripts.live")

    assert done.returncode == 1
    assert done.stderr.startswith(f"{machine.data} holds the demo.")


def test_what_is_to_fill_in_is_named_on_the_page() -> None:
    page = (ROOT / "docs" / "live.md").read_text()
    empty = [line.removesuffix("=") for line in live.TO_FILL_IN if line.endswith("=")]

    assert empty == ["BASE_URL", "EMAIL_URL"]
    assert all(f"\n{name}=" in page for name in empty)
