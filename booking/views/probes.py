"""What machines ask to know whether all is well. Nothing here says anything about anyone."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from booking import metrics, readiness


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether a booking would be kept and mailed: 200, or 503 with what is wrong."""
    found = readiness.look(now=timezone.now())
    body = {
        "ready": not found.wrong,
        "wrong": list(found.wrong),
        "says": [readiness.SENTENCES[name] for name in found.wrong],
        "oldest_due_seconds": _seconds(found.waiting),
        "last_sweep_seconds": _seconds(found.swept),
    }
    return JsonResponse(body, status=503 if found.wrong else 200)


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())


@require_safe
@never_cache
def exposition(request: HttpRequest) -> HttpResponse:
    """Tell Prometheus what was counted; on METRICS_PORT alone."""
    return HttpResponse(metrics.exposition(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)
