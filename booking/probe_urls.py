"""What machines ask, and ProbesMiddleware answers before anything else looks at a request."""

from django.urls import path

from booking.views import probes
from practice.views import healthz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", probes.readyz),
]
