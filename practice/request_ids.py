"""One name for all that a request sets going: in each line of the logs, the worker's too, and in the answer."""

import re
from contextvars import ContextVar
from uuid import uuid4

_current: ContextVar[str] = ContextVar("request_id", default="")
# What a proxy names in our logs is short and can hold neither an address nor a sentence.
_GOOD = re.compile(r"[A-Za-z0-9-]{8,64}")


def current() -> str:
    """Return the id of the request, or of the task, that this thread is at; "" where it is at none."""
    return _current.get()


def begin(request_id: str = "") -> str:
    """Let everything in this thread from now on go by `request_id`, or a new one where that is none; return it."""
    chosen = request_id if _GOOD.fullmatch(request_id) else uuid4().hex
    # Nobody takes it back: the server writes its own line about a request when Django is done with it, and what
    # the thread does next has an id of its own.
    _current.set(chosen)
    return chosen
