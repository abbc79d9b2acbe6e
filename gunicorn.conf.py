"""The web server. `make run`, the Procfile and the container all start it with this file."""

import gc
import logging
import os
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from practice.logs import Redact, formatter, redact


def _address(host: str, port: str) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


bind = [_address(os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000")]
_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
_metrics_port = os.environ.get("METRICS_PORT", "0")
if _metrics_port not in {"", "0"}:
    bind.append(_address(os.environ.get("METRICS_HOST") or "127.0.0.1", _metrics_port))
    # All processes write what they count into one folder. It is this server's own: a reload keeps it, and a
    # server that takes over makes another.
    _mine = f"metrics-{os.getpid()}-"
    if not Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")).name.startswith(_mine):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_mine, dir=_memory)
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Gunicorn's threads, and nobody holds one who sends or reads slowly.
worker_class = "practice.serving.Worker"
# The site lives at the root of its host, whatever the environment says.
os.environ.pop("SCRIPT_NAME", None)
# No header says who asks, for what and by which scheme, but to Django, which asks TRUSTED_PROXIES; what cannot be
# told from another header once it is a variable is left out.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"
proxy_protocol = "off"
proxy_allow_ips = ""
# Each connection is an open file, and many systems begin with a thousand.
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 8192 if _most_files == resource.RLIM_INFINITY else min(8192, _most_files)
if _files != resource.RLIM_INFINITY and _files < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _most_files))
threads = int(os.environ.get("WEB_THREADS", "4"))
# Seconds, a tenth of Python's own: who holds a therapist's lock goes on soon after the database has answered, not
# once another thread has had its full turn. A fifth more bookings, and no page slower (docs/performance.md).
sys.setswitchinterval(0.0005)
# Read the code once for all of them: it starts sooner, and they share the memory.
preload_app = True
# Longer than the longest wait for a lock or a database, so that a request under way can end.
graceful_timeout = 20
keepalive = 5
# A socket for remote control, in the home folder by default, is one more thing to guard.
control_socket_disable = True
# The sign of life that workers write all the time must not wait for a slow disk.
worker_tmp_dir = _memory
_log_format = os.environ.get("LOG_FORMAT", "")
_CALLER = re.compile(r" from ip=\S+")
_PROBES = {"/healthz", "/readyz", "/metrics"}
accesslog = "-"
# No address of the visitor, and no header: who looked at which page is nobody's business.
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


class Discreet(Redact):
    """Cuts the tokens of manage links out of each line, and the visitor's address out of complaints."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(atoms := record.args, Mapping):
            path = redact(str(atoms["U"]))
            record.fields = {"method": atoms["m"], "path": path, "status": int(str(atoms["s"])), "ms": atoms["M"]}
        super().filter(record)
        record.msg = _CALLER.sub(":", record.msg)
        return True


class DiscreetLogger(Logger):  # type: ignore[misc]
    """Gunicorn's own logger, with every handler of it made discreet."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.addFilter(Discreet())
                handler.setFormatter(formatter(_log_format))

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write a line about each request, but for probes that found all well: they come every few seconds."""
        if environ.get("PATH_INFO") not in _PROBES or not str(resp.status).startswith("200"):
            super().access(resp, req, environ, request_time)


logger_class = DiscreetLogger


def when_ready(server: Any) -> None:
    """Before the workers are made: read what takes a second to read, so that no visitor waits for it and all of
    them share it."""
    import holidays.countries  # noqa: F401
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018
    # Looking for what is no longer used would write on all that memory, and so copy it into each of them.
    gc.collect()
    gc.freeze()


def on_exit(server: Any) -> None:
    """At the very end of the server, not of a worker: what was counted is of no use to the next one."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shutil.rmtree(folder, ignore_errors=True)
