"""Choosing a password by the link in a mail, for who is new or has forgotten it."""

from django.contrib import messages
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from booking import accounts, client, rate_limits
from booking.errors import TooManyRequests
from booking.forms.account import ChoosePasswordForm, ForgottenForm
from booking.views.answers import private, too_many
from practice.requests import PracticeRequest


@private
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: PracticeRequest) -> HttpResponse:
    """Ask for a mail address; the answer is the same whether an account has it or not."""
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            rate_limits.count(rate_limits.SIGN_IN, client.networks(request), now=now)
        except TooManyRequests as error:
            return too_many(request, error)
        accounts.forgot_password(form.cleaned_data["email"], now=now)
        messages.success(
            request, _("If there is an account with this address, a mail with a link is on its way to it.")
        )
        return redirect("account_login")
    return render(request, "account/forgotten.html", {"form": form}, status=422 if form.is_bound else 200)


class ChoosePasswordView(PasswordResetConfirmView):
    """Django's own: the token moves from the address into the session at once, and works one time."""

    form_class = ChoosePasswordForm
    template_name = "account/choose_password.html"
    success_url = reverse_lazy("account_login")

    def form_valid(self, form: ChoosePasswordForm) -> HttpResponse:  # type: ignore[override]
        """Keep the password, by which every session of the account ends."""
        messages.success(self.request, _("Your password is kept. Sign in with it now."))
        return super().form_valid(form)


@private
def choose_password(request: PracticeRequest, uidb64: str, token: str) -> HttpResponse:
    """Choose a password by the link in a mail."""
    response = ChoosePasswordView.as_view()(request, uidb64=uidb64, token=token)
    assert isinstance(response, HttpResponse)
    return response
