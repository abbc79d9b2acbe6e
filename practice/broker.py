"""Whether the queue can be reached, asked without putting anything into it."""

import os

import redis
from django.conf import settings

_SECONDS = 1


def answers() -> bool:
    """Return whether messages can be put into the queue at this moment; takes a second or two at most."""
    if not settings.REDIS_URL:
        folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]
        return os.access(folder, os.W_OK | os.X_OK)
    # Tried once: the library's own tries would keep a probe waiting for longer than it waits.
    patience = {"socket_connect_timeout": _SECONDS, "socket_timeout": _SECONDS, "retry": None}
    try:
        with redis.from_url(settings.REDIS_URL, **patience) as server:
            return bool(server.ping())
    except (redis.RedisError, OSError):
        return False
