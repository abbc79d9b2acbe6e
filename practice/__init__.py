import atexit
import gc

# Web processes need the Celery application too: without it a task would be sent to no broker at all.
from celery_app import app as celery_app

__all__ = ["celery_app"]

# A process that ends gives its memory back as a whole. To search it for what is no longer used, as Python does
# then, takes half a second.
atexit.register(gc.freeze)
