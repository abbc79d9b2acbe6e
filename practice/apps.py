from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.utils.translation import gettext_lazy as _


class PracticeConfig(AppConfig):
    default = True
    name = "practice"
    verbose_name = _("the practice's site")

    def ready(self) -> None:
        from practice.checks import check_languages, check_mail_leaves, check_practice, check_proxies

        checks.register(check_languages)
        checks.register(check_practice, checks.Tags.database)
        checks.register(check_mail_leaves, deploy=True)
        checks.register(check_proxies, deploy=True)


class PracticeAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "practice.admin_site.PracticeAdminSite"
