"""The limit: a Django project with nothing in it, served as the practice is, on the same database.

`/plain?selects=3&bytes=2000` asks the ORM for one row three times and answers with so many bytes. POST
`/write?selects=…&locks=…&inserts=…&updates=…` does as much as a booking does, in one transaction.
"""

import os
from itertools import count

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            **environ.Env.db_url_config(os.environ["DATABASE_URL"]),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a project that keeps nothing",
)
application = get_wsgi_application()


class Row(models.Model):
    """A row of few columns, found by its key."""

    key = models.CharField(max_length=64, unique=True)
    text = models.CharField(max_length=200)

    class Meta:
        app_label = "bare"
        db_table = "bare_row"
        managed = False

    def __str__(self) -> str:
        return self.key


_number = count(1)


def plain(request: HttpRequest) -> HttpResponse:
    """Ask for one row `selects` times, and answer with `bytes` bytes."""
    for _ in range(int(request.GET["selects"])):
        Row._default_manager.get(key="first")
    return _answer(int(request.GET["bytes"]), 200)


@csrf_exempt
def write(request: HttpRequest) -> HttpResponse:
    """Select, lock, insert and update as often as asked, in one transaction, and answer with `bytes` bytes."""
    asked = {name: int(str(value)) for name, value in request.GET.items()}
    with transaction.atomic():
        for _ in range(asked["locks"]):
            # Distinct bookings are of distinct therapists, mostly: one row for all would be a queue.
            Row._default_manager.select_for_update().get(pk=1 + next(_number) % 10)
        for _ in range(asked["selects"]):
            Row._default_manager.get(key="first")
        for _ in range(asked["inserts"]):
            row = Row._default_manager.create(key=f"{os.getpid()}-{next(_number)}", text="t" * 150)
        for _ in range(asked["updates"]):
            Row._default_manager.filter(pk=row.pk).update(text="u" * 150)
    return _answer(asked["bytes"], 201)


def _answer(length: int, status: int) -> HttpResponse:
    return HttpResponse("x" * length, status=status, headers={"Content-Length": str(length)})


urlpatterns = [path("plain", plain), path("write", write)]
