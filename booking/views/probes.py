"""What machines ask to know whether all is well. Nothing here says anything about anyone."""

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
    waiting = None if found.waiting is None else round(found.waiting.total_seconds())
    body = {"ready": not found.wrong, "wrong": list(found.wrong), "oldest_due_seconds": waiting}
    return JsonResponse(body, status=503 if found.wrong else 200)


@require_safe
@never_cache
def exposition(request: HttpRequest) -> HttpResponse:
    """Tell Prometheus what was counted; on METRICS_PORT alone."""
    return HttpResponse(metrics.exposition(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)
