# Web processes need the Celery application too: without it a task would be sent to no broker at all.
from celery_app import app as celery_app

__all__ = ["celery_app"]
