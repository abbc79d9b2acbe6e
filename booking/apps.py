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

        checks.register(guards.check_guards, checks.Tags.database)
        checks.register(ours.check_api_keys)
        checks.register(ours.check_second_factor, checks.Tags.security)
        checks.register(ours.check_rate_limits, checks.Tags.security, deploy=True)
        checks.register(ours.check_sender)
        checks.register(ours.check_calendar_networks)
        checks.register(ours.check_calendars_elsewhere, checks.Tags.security, deploy=True)
        pre_migrate.connect(version_triggers.remove_before_migrate, sender=self)
        post_migrate.connect(guards.install_after_migrate, sender=self)
