from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("appointments")

    def ready(self) -> None:
        from booking import guards

        checks.register(guards.check_guards, checks.Tags.database)
        post_migrate.connect(guards.install_after_migrate, sender=self)
