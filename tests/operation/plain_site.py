"""A site without Django for test_serving.py; its gunicorn is set up as ours, with terms that a test can await."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_OURS = Path(__file__).resolve().parents[2] / "gunicorn.conf.py"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what was asked, with as many bytes as the path says, or with our settings as a file."""
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Length", str(_OURS.stat().st_size))])
        file: Iterable[bytes] = environ["wsgi.file_wrapper"](_OURS.open("rb"))
        return file
    body = environ["wsgi.input"].read()
    asked = {
        "path": environ["SCRIPT_NAME"] + "|" + environ["PATH_INFO"],
        "body": len(body),
        "scheme": environ["wsgi.url_scheme"],
        "caller": environ["REMOTE_ADDR"],
        "variables": sorted(name for name in environ if name.startswith("HTTP_")),
    }
    size = environ["PATH_INFO"].strip("/")
    answer = b"x" * int(size) if size.isdigit() else json.dumps(asked).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


if __name__ != "tests.operation.plain_site":
    # As gunicorn reads it: our own settings, and other terms.
    exec(compile(_OURS.read_text(), _OURS, "exec"))
    from practice import serving

    del globals()["when_ready"]  # which reads what Django serves

    for _name in ("HEAD_SECONDS", "MOVING_SECONDS", "LINGER_SECONDS", "LAST_SECONDS", "SLOWEST_LINE", "MOST_HELD"):
        if _said := os.environ.get(f"TEST_{_name}"):
            setattr(serving, _name, float(_said))
    if _said := os.environ.get("TEST_CONNECTIONS"):
        worker_connections = int(_said)
