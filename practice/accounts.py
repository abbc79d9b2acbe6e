from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """There is no sign-up: a therapist's account is made by `manage.py create_therapist` or by a manager."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
