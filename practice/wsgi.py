import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
application = get_wsgi_application()

# Needs the applications that the line above loads.
from practice.starting import refuse_wrong_keys  # noqa: E402

try:
    refuse_wrong_keys()
except ImproperlyConfigured as error:
    sys.exit(str(error))
