from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("appointments")

    def ready(self) -> None:
        from booking import checks as ours
        from booking import guards, version_triggers
        from practice.starting import KEYS

        checks.register(guards.check_guards, checks.Tags.database)
        checks.register(ours.check_keys, checks.Tags.database, KEYS)
        checks.register(ours.check_keys_drawn, checks.Tags.security, deploy=True)
        checks.register(ours.check_api_keys)
        checks.register(ours.check_second_factor, checks.Tags.security)
        checks.register(ours.check_rate_limits, checks.Tags.security, deploy=True)
        checks.register(ours.check_api_open, checks.Tags.security, deploy=True)
        checks.register(ours.check_sender)
        checks.register(ours.check_calendar_networks)
        checks.register(ours.check_calendars_elsewhere, checks.Tags.security, deploy=True)
        pre_migrate.connect(version_triggers.remove_before_migrate, sender=self)
        post_migrate.connect(guards.install_after_migrate, sender=self)
        post_migrate.connect(remember_keys, sender=self)


def remember_keys(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`: from the first tables on it is known under which keys they are written."""
    from booking import keys

    if keys.has_table(using):
        keys.remember(using)
