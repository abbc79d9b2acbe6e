"""What docker-compose.yml would start, started without an engine: its own commands and health checks, on a real
PostgreSQL and Redis."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from scripts import secret_files, stack
from tests.servers import free_port, wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("migrate", "web", "worker", "beat")


class TestTheFile:
    """Each service, by what a careful reader would ask of it."""

    @pytest.mark.parametrize("name", SERVICES)
    def test_it_runs_as_nobody_and_can_write_nothing(self, name: str) -> None:
        service = SERVICES[name]

        assert service["user"] not in {"root", "0"}
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["pids_limit"]
        assert service["mem_limit"]
        assert service["logging"]["options"]["max-size"]
        assert "privileged" not in service

    @pytest.mark.parametrize("name", SERVICES)
    def test_it_is_started_again_and_looked_after(self, name: str) -> None:
        service = SERVICES[name]

        # A step that ran is done.
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
        assert ("test" in service["healthcheck"]) == (name != "migrate")

    @pytest.mark.parametrize("name", ["postgres", "redis"])
    def test_what_keeps_data_is_reached_from_inside_alone(self, name: str) -> None:
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]
        assert COMPOSE["networks"]["inside"] == {"internal": True}

    def test_what_is_open_is_open_to_this_machine(self) -> None:
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_nothing_serves_before_the_tables_are_there(self) -> None:
        for name in ("web", "worker", "beat"):
            needs = SERVICES[name]["depends_on"]
            assert needs["migrate"] == {"condition": "service_completed_successfully"}
            assert needs["redis"] == {"condition": "service_healthy"}
        assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}

    def test_each_image_says_its_version(self) -> None:
        for name in ("postgres", "redis", "mail"):
            assert re.search(r":v?\d+\.\d+", SERVICES[name]["image"])

    def test_no_secret_is_written_in_it(self, tmp_path: Path) -> None:
        made = set(secret_files.make(tmp_path / "secrets"))

        assert set(COMPOSE["secrets"]) == made | {"email_url"}
        for service in SERVICES.values():
            for name, value in service.get("environment", {}).items():
                assert "PASSWORD" not in name or name.endswith("_FILE")
                assert not urlsplit(str(value)).password
        ignored = [(ROOT / name).read_text().splitlines() for name in (".gitignore", ".dockerignore")]
        assert all({"secrets", "secrets/"} & set(lines) for lines in ignored)

    def test_the_procfile_starts_the_same(self) -> None:
        commands = stack.commands()

        assert commands["release"] == command("migrate")
        assert commands["web"] == command("web")
        assert commands["worker"] == command("worker")
        # In a container nothing but /tmp can be written.
        assert [*commands["beat"], "--schedule", "/tmp/beat-schedule"] == command("beat")
        assert command("web") == yaml.safe_load(DOCKERFILE.rpartition("CMD ")[2])


class TestSecretFiles:
    def test_they_are_made_once(self, tmp_path: Path) -> None:
        folder = tmp_path / "secrets"

        assert len(secret_files.make(folder)) == 4
        before = {file.name: file.read_text() for file in folder.iterdir()}

        assert secret_files.make(folder) == []
        assert {file.name: file.read_text() for file in folder.iterdir()} == before
        assert len(set(before.values())) == 4
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_one_that_was_lost_is_made_anew_and_the_others_stay(self, tmp_path: Path) -> None:
        secret_files.make(tmp_path)
        kept = (tmp_path / "field_keys").read_text()
        (tmp_path / "secret_key").unlink()

        assert secret_files.make(tmp_path) == ["secret_key"]
        assert (tmp_path / "field_keys").read_text() == kept


def command(name: str) -> list[str]:
    return shlex.split(SERVICES[name]["command"])


class Stack:
    """The services of the file as processes of this machine: only where they are differs."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, email_url: str) -> None:
        self.folder, self.port = folder, free_port()
        secret_files.make(folder / "secrets")
        (folder / "secrets" / "email_url").write_text(email_url + "\n")
        for name in ("data/static", "tmp"):
            (folder / name).mkdir(parents=True)
        self.database_url, self.redis_url = database_url, redis_url
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def env(self, name: str) -> dict[str, str]:
        """Return what the service `name` is given, by the file and by the image."""
        given = {key: self.here(str(value)) for key, value in SERVICES[name]["environment"].items()}
        host = re.search(r"\bHOST=(\S+)", DOCKERFILE)
        assert host
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOSTNAME": "here",
            "DATA_DIR": str(self.folder / "data"),
            "HOST": host[1],
            **given,
            "PORT": str(self.port),
        }

    def here(self, text: str) -> str:
        """Return `text` of the file with what lies elsewhere here."""
        elsewhere = {
            r"\$\{BASE_URL:\?[^}]*\}": f"http://127.0.0.1:{self.port}",
            "postgresql://practice@postgres:5432/practice": self.database_url,
            "redis://redis:6379/0": self.redis_url,
            ":8000": f":{self.port}",
            "/run/secrets": str(self.folder / "secrets"),
            "/tmp": str(self.folder / "tmp"),
        }
        # In one go, since a folder of this machine may have /tmp in its name too.
        return re.sub(
            "|".join(elsewhere),
            lambda found: next(value for pattern, value in elsewhere.items() if re.fullmatch(pattern, found[0])),
            text,
        )

    def start(self, name: str) -> None:
        argv = [self.here(word) for word in command(name)]
        if name == "worker":
            # A container has a name of its own.
            argv += ["--hostname", "celery@here"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                argv, cwd=ROOT, env=self.env(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def healthy(self, name: str) -> bool:
        kind, *test = SERVICES[name]["healthcheck"]["test"]
        words = [self.here(word.replace("$$", "$")) for word in test]
        argv = words if kind == "CMD" else ["/bin/sh", "-c", *words]
        done = subprocess.run(argv, cwd=ROOT, env=self.env(name), capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(40)


@pytest.fixture
def services(tmp_path: Path, postgres_url: str, redis_url: str, smtp_sink: Sink) -> Iterator[Stack]:
    name = f"compose_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    started = Stack(tmp_path, url, redis_url, smtp_sink.url)
    yield started
    started.end()
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.servers
def test_its_commands_book_and_mail_and_its_checks_tell_what_died(services: Stack, smtp_sink: Sink) -> None:
    for step in (command("migrate"), ["python", "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]):
        done = subprocess.run(
            step, cwd=ROOT, env=services.env("migrate"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    demo = {**services.env("migrate"), "DEMO": "1", "DEMO_PASSWORD": "only-for-this-test"}
    subprocess.run(["python", "manage.py", "load_demo"], cwd=ROOT, env=demo, capture_output=True, check=True)
    for name in ("web", "worker", "beat"):
        services.start(name)

    wait_until(lambda: services.healthy("web"), what="the web server's health", seconds=40)
    visitor = Visitor(f"http://127.0.0.1:{services.port}")
    assert visitor.book(visitor.get("/afspraak/").starts()[-1]).status == 302
    wait_until(
        lambda: len(smtp_sink.messages) == 2, what="a mail to the parent and one to the therapist", seconds=40
    )
    wait_until(lambda: services.healthy("worker"), what="the worker's health", seconds=40)
    wait_until(lambda: services.healthy("beat"), what="the scheduler's health", seconds=40)

    services.end()
    hour_ago = time.time() - 3600
    for file in (services.folder / "tmp").glob("beat-schedule*"):
        os.utime(file, (hour_ago, hour_ago))
    assert not any(services.healthy(name) for name in ("web", "worker", "beat"))
