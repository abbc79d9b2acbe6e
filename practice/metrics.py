"""Counting requests, by the name of the view and nothing that a visitor chose."""

import os
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

_METHODS = {"GET", "HEAD", "POST"}

_REQUESTS = Counter("kennismaking_requests", "Requests that were answered.", ["view", "method", "status"])
_SECONDS = Histogram(
    "kennismaking_request_seconds",
    "Time that answering took.",
    ["view", "method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class MetricsMiddleware:
    """Counts each request, and how long it took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        # An address may hold a token, and whoever asks can make up as many of them, and of methods, as they like.
        view = request.resolver_match.view_name if request.resolver_match else "none"
        method = request.method if request.method in _METHODS else "other"
        _REQUESTS.labels(view, method, response.status_code).inc()
        _SECONDS.labels(view, method).observe(time.perf_counter() - began)
        return response


def counted() -> CollectorRegistry:
    """Return what all the processes of this web server counted since it was started, and those before them."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
