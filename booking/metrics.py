"""What monitoring counts: requests in the web server's processes, mail and calendars where all can read them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Count, Min, Q, QuerySet
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from booking import outbox, readiness
from booking.models import CalendarSource, Kind, Notification, NotificationState
from practice import metrics

DAY = timedelta(days=1)
OPEN = [NotificationState.DUE, NotificationState.SENDING, NotificationState.FAILED]


def exposition(*, now: datetime) -> bytes:
    """Return all metrics at `now` (UTC) in Prometheus's text format; no label says anything about anyone.

    Mail is counted in the database, so every worker's is in it, and what is read there does not grow with years.
    """
    registry = CollectorRegistry()
    registry.register(_InTheDatabase(now))
    return generate_latest(metrics.counted()) + generate_latest(registry)


class _InTheDatabase(Collector):
    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        up = 1
        try:
            yield from self._mail()
            yield from self._calendars()
        except DatabaseError:
            up = 0
        yield _gauge("kennismaking_database_up", "Whether the database could be asked.", up)

    def _mail(self) -> Iterator[Metric]:
        by = ["state", "kind"]
        began = Notification.objects.filter(due_at__lte=self._now).order_by()
        # Failed ones stay until they are tried again or their family is erased; what is due later is no news.
        found = _counted(began.filter(state__in=OPEN))
        name, says = "kennismaking_notifications_open", "Notifications that are due, being sent, or failed."
        owed = GaugeMetricFamily(name, says, labels=by)
        for state in OPEN:
            for kind in Kind.values:
                owed.add_metric([state.value, kind], found.get((state.value, kind), 0))
        yield owed

        # Every state is named, for the index.
        recent = began.filter(state__in=NotificationState.values, due_at__gt=self._now - DAY)
        name, says = "kennismaking_notifications_day", "What became of those that fell due within 24 hours."
        day = GaugeMetricFamily(name, says, labels=by)
        for labels, number in _counted(recent).items():
            day.add_metric(labels, number)
        yield day

        oldest = began.filter(state__in=OPEN[:2]).aggregate(oldest=Min("due_at"))["oldest"]
        says = "How long the oldest notification that is not sent yet has been due, tried or not."
        yield _gauge("kennismaking_oldest_due_seconds", says, self._seconds_since(oldest))
        says = "How long a notification could have been sent and nobody took it."
        since = outbox.waiting_since(self._now)
        yield _gauge("kennismaking_oldest_unclaimed_seconds", says, self._seconds_since(since))

        swept = readiness.last_sweep(now=self._now)
        if swept is not None:
            says = "How long ago a worker last looked for what is due."
            yield _gauge("kennismaking_last_sweep_seconds", says, max(0.0, swept.total_seconds()))

    def _calendars(self) -> Iterator[Metric]:
        of = CalendarSource.objects.aggregate(all=Count("pk"), failing=Count("pk", filter=~Q(failure="")))
        yield _gauge("kennismaking_calendars", "Calendars elsewhere that are read.", of["all"])
        yield _gauge("kennismaking_calendars_failing", "Those that could not be read last time.", of["failing"])

    def _seconds_since(self, moment: datetime | None) -> float:
        return max(0.0, (self._now - moment).total_seconds()) if moment else 0.0


def _counted(notifications: QuerySet[Notification]) -> dict[tuple[str, str], int]:
    rows = notifications.values_list("state", "kind").annotate(number=Count("pk"))
    return {(state, kind): number for state, kind, number in rows}


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)
