"""All that is answered on METRICS_PORT, to which no visitor comes."""

from django.urls import path

from booking import probe_urls
from booking.views import probes

urlpatterns = [*probe_urls.urlpatterns, path("metrics", probes.exposition)]
