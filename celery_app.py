"""The Celery application: `celery -A celery_app worker` and `celery -A celery_app beat`."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")


def _embedded() -> dict[str, Any]:
    """Return what differs where no REDIS_URL is set and the queue is a folder."""
    from django.conf import settings

    if settings.REDIS_URL:
        return {}
    # Remote control would leave a reply queue of files behind for each worker that ever started.
    return {"broker_transport": "practice.queue:Transport", "worker_enable_remote_control": False}


app = Celery("kennismaking")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.add_defaults(_embedded)
app.autodiscover_tasks()
