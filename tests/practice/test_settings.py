"""What the environment may say about databases and mail, and what is refused before anything starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRINT = (
    "import json; from practice import settings;"
    "names = ['EMAIL_BACKEND', 'EMAIL_HOST', 'EMAIL_PORT', 'EMAIL_HOST_USER', 'EMAIL_HOST_PASSWORD',"
    " 'EMAIL_USE_TLS', 'EMAIL_USE_SSL', 'SESSION_COOKIE_NAME', 'SESSION_COOKIE_SECURE', 'SESSION_COOKIE_SAMESITE',"
    " 'CSRF_COOKIE_NAME', 'CSRF_COOKIE_SECURE', 'CSRF_COOKIE_SAMESITE', 'CSRF_COOKIE_HTTPONLY',"
    " 'SECURE_SSL_REDIRECT', 'SECURE_HSTS_SECONDS', 'SECURE_HSTS_INCLUDE_SUBDOMAINS', 'SECURE_PROXY_SSL_HEADER',"
    " 'REDIS_URL'];"
    "database = settings.DATABASES['default'];"
    "print(json.dumps({name: getattr(settings, name, None) for name in names}"
    " | {**database, 'NAME': str(database['NAME'])}))"
)


def read(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, in `environment`."""
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "EMAIL_URL"}}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PRINT],
        cwd=ROOT,
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def settings(**environment: str) -> dict[str, Any]:
    done = read(**environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:1025", 1025, False, False),
        ("smtp+tls://mail.example", 587, True, False),
        ("smtp+ssl://mail.example", 465, False, True),
        ("smtp+ssl://mail.example:4650", 4650, False, True),
    ],
)
def test_mail_goes_to_the_server_that_is_named(url: str, port: int, tls: bool, ssl: bool) -> None:
    found = settings(EMAIL_URL=url)

    assert found["EMAIL_BACKEND"] == "practice.mail.SmtpBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)


def test_password_may_have_any_sign_in_it() -> None:
    found = settings(EMAIL_URL="smtp+tls://info%40praktijk.example:a%2Fb%3A%40c%25@mail.example:587")

    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("info@praktijk.example", "a/b:@c%")


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example", "mail.example:587", "http://mail.example", "smtps://hush@mail.example:465"),
        *("anymail+mailjet://key:hush@", "dummymail://", "memorymail://", "consolemail://"),
        *("smtp://", "smtp+tls://user:hush@", "smtp://mail.example:port", "smtp://[::1"),
    ],
)
def test_mail_that_would_go_nowhere_is_refused(url: str) -> None:
    done = read(EMAIL_URL=url)

    *_rest, last = done.stderr.strip().splitlines()
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: EMAIL_URL must name a mail server")
    assert "hush" not in last


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("EMAIL_TIMEOUT", "0", 1), ("EMAIL_TIMEOUT", "1.5", 1), ("ERASE_AFTER_DAYS", "-1", 0), ("PORT", "web", 1)],
)
def test_number_that_is_none_is_refused_by_its_name(name: str, value: str, least: int) -> None:
    done = read(**{name: value})

    assert done.stderr.strip().endswith(f"{name} must be a whole number of at least {least}, not {value!r}.")


@pytest.mark.parametrize("folder", ["een map", "a+b", "50%25", "nr #1", "wat?", "é"])
def test_data_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    found = settings(DATA_DIR=str(tmp_path / folder))

    assert found["NAME"] == str(tmp_path / folder / "practice.sqlite3")


def test_file_of_the_database_is_the_same_from_everywhere() -> None:
    assert settings(DATABASE_URL="sqlite:///practice.sqlite3")["NAME"] == str(ROOT / "practice.sqlite3")
    assert settings(DATABASE_URL="sqlite:////srv/practice.sqlite3")["NAME"] == "/srv/practice.sqlite3"


def test_before_a_pooler_nothing_is_kept_in_a_connection() -> None:
    url = "postgresql://practice@db.example/practice"

    direct, pooled = settings(DATABASE_URL=url), settings(DATABASE_URL=url, DATABASE_POOLER="on")

    assert (direct["CONN_MAX_AGE"], direct["CONN_HEALTH_CHECKS"]) == (600, True)
    assert "lock_timeout" in direct["OPTIONS"]["options"]
    assert (pooled["CONN_MAX_AGE"], pooled["DISABLE_SERVER_SIDE_CURSORS"]) == (0, True)
    # A pooler refuses startup options.
    assert pooled["OPTIONS"] == {"connect_timeout": 5}


def test_over_https_cookies_and_pages_stay_there() -> None:
    found = settings(HTTPS="1")

    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("__Host-session", "__Host-csrf")
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
    # Other sites of the same domain are not ours to speak for, and nobody vouches for a header without a proxy.
    assert found["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is False
    assert found["SECURE_PROXY_SSL_HEADER"] is None


def test_a_proxy_is_believed_about_https_where_it_is_trusted() -> None:
    found = settings(HTTPS="1", TRUSTED_PROXIES="10.0.0.0/8", HSTS_SUBDOMAINS="1")

    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert found["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True


def test_over_plain_http_another_device_keeps_its_session() -> None:
    found = settings()

    secured = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    assert [found[name] for name in secured] == [None] * 4
    assert (found["SESSION_COOKIE_SAMESITE"], found["CSRF_COOKIE_SAMESITE"]) == ("Lax", "Lax")
    assert found["CSRF_COOKIE_HTTPONLY"] is True


def test_metrics_are_not_told_where_everybody_can_ask() -> None:
    done = read(PORT="8000", METRICS_PORT="8000")

    assert done.stderr.strip().endswith("METRICS_PORT must differ from PORT, which everybody can reach.")


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from the file\n")
    (tmp_path / "mail").write_text("smtp+tls://user:word@mail.example\n")
    url = "postgresql://practice@postgres:5432/practice"
    files = {"DATABASE_PASSWORD_FILE": f"{tmp_path}/password", "EMAIL_URL_FILE": f"{tmp_path}/mail"}

    found = settings(DATABASE_URL=url, **files)

    assert (found["HOST"], found["PASSWORD"]) == ("postgres", "from the file")
    assert (found["EMAIL_HOST"], found["EMAIL_HOST_PASSWORD"]) == ("mail.example", "word")
    # What the environment says itself goes first.
    assert settings(DATABASE_URL=url, DATABASE_PASSWORD="said", **files)["PASSWORD"] == "said"


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("redis://redis:6379/0", "redis://:a%2Fb%40c@redis:6379/0"),
        ("rediss://practice@redis/2", "rediss://practice:a%2Fb%40c@redis/2"),
        ("redis://:old@redis/0", "redis://:a%2Fb%40c@redis/0"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_the_password_of_redis_may_stand_apart(tmp_path: Path, url: str, known: str) -> None:
    (tmp_path / "password").write_text("a/b@c\n")

    assert settings(REDIS_URL=url, REDIS_PASSWORD_FILE=f"{tmp_path}/password")["REDIS_URL"] == known


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read"), (b"\xff", "is no text"), (b" \n", "is empty")]
)
def test_a_file_without_a_secret_gets_a_sentence(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "email_url"
    if content is not None:
        file.write_bytes(content)

    done = read(EMAIL_URL_FILE=str(file))

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"EMAIL_URL_FILE names {file}" in last
    assert why in last
