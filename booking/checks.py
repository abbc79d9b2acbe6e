"""System checks for what an operator can get wrong about booking."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning


def check_api_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: whoever asks for integration keys has given some out."""
    if settings.API_BOOKING == "key" and not settings.API_KEYS:
        return [
            Warning(
                "Nobody can book through the API: API_BOOKING is `key` and API_KEYS is empty.",
                hint="Set API_KEYS, or API_BOOKING=off where no other software books.",
                id="booking.W001",
            )
        ]
    return []


def check_second_factor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: a password alone opens no real family's data."""
    if not settings.SECOND_FACTOR and not settings.DEMO:
        return [
            Error(
                "SECOND_FACTOR is off outside the demo.",
                hint="Take SECOND_FACTOR out of the environment; health data needs more than a password.",
                id="booking.E002",
            )
        ]
    return []


def check_rate_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Deploy check: the switch for load tests is not left off."""
    if not settings.RATE_LIMITS:
        return [
            Error(
                "RATE_LIMITS is off: anyone may guess links and fill the diary as fast as they like.",
                hint="Take RATE_LIMITS out of the environment.",
                id="booking.E003",
            )
        ]
    return []
