"""The Celery application: `celery -A celery_app worker` and `celery -A celery_app beat`."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")


def _defaults() -> dict[str, Any]:
    """Return how workers run; `--pool` and `--concurrency` on the command line say otherwise."""
    from django.conf import settings

    # The work is waiting for mail servers, which threads do as well as processes and in less memory.
    threads: dict[str, Any] = {"worker_pool": "threads", "worker_concurrency": 2}
    if settings.REDIS_URL:
        return threads
    # Remote control would leave a reply queue of files behind for each worker that ever started.
    return {**threads, "broker_transport": "practice.queue:Transport", "worker_enable_remote_control": False}


app = Celery("kennismaking")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.add_defaults(_defaults)
app.autodiscover_tasks()
