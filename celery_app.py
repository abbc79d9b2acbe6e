"""The Celery application: `celery -A celery_app worker` and `celery -A celery_app beat`."""

import os
import sys
from typing import Any

from celery import Celery, signals

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


@signals.setup_logging.connect
def _keep_logging(**kwargs: Any) -> None:
    """Leave logging as the settings have it, in each process: Celery would add handlers that cut nothing out."""


@signals.worker_init.connect
def _refuse_wrong_keys(**kwargs: Any) -> None:
    """Let no worker begin with keys that read nothing: it would take each mail in turn and send none."""
    from django.core.exceptions import ImproperlyConfigured

    from practice.starting import refuse_wrong_keys

    try:
        refuse_wrong_keys()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


@signals.task_prerun.connect
def _go_by_the_request(task_id: str, task: Any, **kwargs: Any) -> None:
    """Let the worker's lines go by the id of the request that asked for the task, or by the task's own."""
    # The package asks for the application above as soon as it is imported itself.
    from practice import request_ids

    request_ids.begin(task.request.get("request_id") or task_id)
