"""What an operator gets wrong is said before it hurts."""

from typing import Any

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"API_BOOKING": "key", "API_KEYS": []}, "booking.W001"),
        ({"SECOND_FACTOR": False, "DEMO": False}, "booking.E002"),
        ({"RATE_LIMITS": False}, "booking.E003"),
        ({"CALENDAR_NETWORKS": ["10.0.0.0/8", "home"]}, "booking.E004"),
        ({"CALENDAR_NETWORKS": ["10.0.0.0/8", "127.0.0.0/8"]}, "booking.W005"),
        ({"CALENDAR_NETWORKS": ["::/0"]}, "booking.W005"),
        ({"DEFAULT_FROM_EMAIL": "info@praktijk@example.org"}, "booking.E005"),
        ({"DEFAULT_FROM_EMAIL": "Praktijk"}, "booking.E005"),
    ],
    ids=[
        *("no keys", "no second factor", "no limits", "no network", "this machine", "everything"),
        *("two addresses in one", "a name alone"),
    ],
)
def test_a_wrong_setting_is_named(settings: Any, wrong: dict[str, Any], message: str) -> None:
    settings.API_BOOKING = "off"

    def found() -> set[str | None]:
        return {one.id for one in run_checks(include_deployment_checks=True)}

    assert message not in found()
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert message in found()


def test_a_sender_may_have_a_name(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Afspraken <afspraken@praktijk.example>"

    assert "booking.E005" not in {one.id for one in run_checks()}


def test_the_demo_may_go_without_a_second_factor(settings: Any) -> None:
    settings.SECOND_FACTOR, settings.DEMO = False, True

    assert "booking.E002" not in {one.id for one in run_checks()}
