from typing import Any

import pytest
from django.test import Client


@pytest.fixture(autouse=True)
def plain_static_files(settings: Any) -> None:
    """Addresses of static files as they are written: the tests do not collect them first."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}


@pytest.fixture
def visitor() -> Client:
    """A browser that shows the page for a fault instead of raising it."""
    return Client(raise_request_exception=False)
