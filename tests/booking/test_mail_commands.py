"""`check_mail` and `send_test_mail`, against a mail server and a name server of their own."""

import ssl
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from re import escape
from socket import gaierror
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from booking.models import Notification
from practice.mail import in_words
from practice.models import Practice
from tests.booking.factories import make_practice
from tests.dns_server import Names
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db

DNS = {
    ("duimvoorjou.nl", "TXT"): ['"v=spf1 include:mail.example -all"'],
    ("duimvoorjou.nl", "MX"): ["10 mx.mail.example."],
    ("_dmarc.duimvoorjou.nl", "TXT"): ['"v=DMARC1; p=quarantine"'],
}


@pytest.fixture(autouse=True)
def practice() -> Practice:
    return make_practice()


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as sink:
        use(settings, sink)
        yield sink


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with Names(DNS) as names:
        yield names


def use(settings: Any, sink: Sink, **more: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_URL = "practice.mail.SmtpBackend", sink.url
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", sink.port, 2
    for name, value in more.items():
        setattr(settings, name, value)


def send(*args: str) -> str:
    out = StringIO()
    call_command("send_test_mail", *(args or ("beheer@example.org",)), stdout=out)
    return out.getvalue()


def check(names: Names, *args: str) -> str:
    """Return what `check_mail` says, and last how it ends."""
    out = StringIO()
    try:
        call_command("check_mail", "--nameserver", names.address, *args, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


class TestSending:
    def test_the_server_gets_a_made_up_confirmation_and_is_quoted(self, sink: Sink) -> None:
        sink.answers["DATA"] = "250 2.0.0 Ok: queued as 4F2A"
        told = send()

        (mail,) = sink.messages
        assert f"127.0.0.1:{sink.port} took it: 250 2.0.0 Ok: queued as 4F2A" in told
        assert mail["Message-ID"] in told
        assert mail["To"] == "beheer@example.org"
        assert mail["Subject"].startswith("Test: Uw afspraak: ")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert not Notification.objects.exists()

    def test_in_the_other_language_too(self, sink: Sink) -> None:
        send("beheer@example.org", "--language", "en")

        assert sink.messages[0]["Subject"].startswith("Test: Your appointment: ")

    @pytest.mark.parametrize(
        ("answers", "sentence"),
        [
            ({"RCPT": "550 5.1.1 no such mailbox"}, "refuses the recipient: 550 5.1.1 no such mailbox."),
            ({"MAIL": "553 5.7.1 not yours"}, "refuses the sender info@duimvoorjou.nl: 553 5.7.1 not yours."),
            ({"DATA": "554 5.7.1 looks like spam"}, "refuses the mail itself: 554 5.7.1 looks like spam."),
            ({"DATA": "DROP"}, "hung up."),
        ],
        ids=["recipient", "sender", "mail", "hangs up"],
    )
    def test_what_is_refused_is_told_in_the_servers_own_words(
        self, sink: Sink, answers: dict[str, str], sentence: str
    ) -> None:
        sink.answers = answers

        with pytest.raises(CommandError, match=escape(sentence)):
            send()

    def test_no_server(self, settings: Any) -> None:
        gone = Sink()
        use(settings, gone)

        with pytest.raises(CommandError, match=f"Nothing listens at 127.0.0.1:{gone.port}"):
            send()

    def test_a_server_that_knows_no_login(self, sink: Sink, settings: Any) -> None:
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "somebody", "a word"

        with pytest.raises(CommandError, match="does not do what EMAIL_URL asks for"):
            send()

    def test_without_a_server_it_becomes_a_file(self, settings: Any, tmp_path: Path) -> None:
        settings.EMAIL_BACKEND, settings.MAIL_DIR, settings.EMAIL_URL = "practice.mail.EmlBackend", tmp_path, ""
        told = send()

        (file,) = tmp_path.iterdir()
        assert f"EMAIL_URL is not set, so it went to nobody. It is in {file}" in told

    @pytest.mark.parametrize("address", ["beheer", "a@b.nl, c@d.nl", "a@b.nl\r\nBcc: c@d.nl"])
    def test_what_is_no_address(self, sink: Sink, address: str) -> None:
        with pytest.raises(CommandError, match="is no mail address"):
            send(address)
        assert sink.connections == 0


class TestChecking:
    def test_all_is_well(self, settings: Any, names: Names) -> None:
        settings.BASE_URL = "https://duimvoorjou.nl"
        sink = Sink()
        sink.logins = {"info@duimvoorjou.nl": "a word"}
        use(settings, sink, EMAIL_HOST_USER="info@duimvoorjou.nl", EMAIL_HOST_PASSWORD="a word")
        with sink:
            told = check(names)

        assert "Mails come from Duim Voor Jou <info@duimvoorjou.nl>; answers go to info@duimvoorjou.nl." in told
        assert f"ok       127.0.0.1:{sink.port} answers, and accepts the login." in told
        assert "ok       SPF: “v=spf1 include:mail.example -all”" in told
        assert "look     DKIM: which record it is" in told
        assert "ok       DMARC: " in told
        assert "To put right" not in told
        assert sink.messages == []

    def test_a_refused_login(self, settings: Any, names: Names) -> None:
        sink = Sink()
        sink.logins = {"info@duimvoorjou.nl": "a word"}
        use(settings, sink, EMAIL_HOST_USER="info@duimvoorjou.nl", EMAIL_HOST_PASSWORD="another")
        with sink:
            told = check(names)

        assert f"wrong    127.0.0.1:{sink.port} refuses the login: 535 " in told
        assert "another" not in told
        assert told.endswith("To put right: 1. See above.")

    def test_no_server(self, settings: Any, names: Names) -> None:
        gone = Sink()
        use(settings, gone)

        assert f"wrong    Nothing listens at 127.0.0.1:{gone.port}." in check(names)

    @pytest.mark.parametrize(("demo", "state"), [(True, "look"), (False, "wrong")])
    def test_mails_into_files_are_for_a_demo(self, settings: Any, names: Names, demo: bool, state: str) -> None:
        settings.EMAIL_URL, settings.DEMO = "", demo

        assert f"{state:<8} EMAIL_URL is not set: mails become files in " in check(names)

    def test_the_sender_is_what_dns_is_asked_about(self, sink: Sink, settings: Any, names: Names) -> None:
        settings.DEFAULT_FROM_EMAIL = "Praktijk <praktijk.veldhoven@gmail.com>"
        told = check(names)

        assert "look     gmail.com is everybody's" in told
        assert "look     Mails come from gmail.com, answers go to duimvoorjou.nl" in told
        assert "wrong    SPF: gmail.com does not say" in told
        assert "look     The links in mails begin with http://testserver" in told

    def test_dns_that_does_not_answer_is_no_failure(self, sink: Sink, names: Names) -> None:
        names.fails = True
        try:
            told = check(names, "--dkim", "s1")
        finally:
            names.fails = False

        assert told.count("unknown ") == 4
        assert 'Should be: duimvoorjou.nl. TXT "v=spf1 ' in told
        assert "To put right" not in told

    @pytest.mark.parametrize("nameserver", ["dns.example", "192.0.2.1:many"])
    def test_a_name_server_that_is_none(self, sink: Sink, nameserver: str) -> None:
        with pytest.raises(CommandError, match=escape("write 192.0.2.1 or")):
            call_command("check_mail", "--nameserver", nameserver, stdout=StringIO())

    def test_the_selector_is_asked_for(self, sink: Sink, names: Names) -> None:
        assert "wrong    DKIM: there is no key at s9._domainkey.duimvoorjou.nl." in check(names, "--dkim", "s9")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (gaierror(-2, "Name or service not known"), "No machine is called mail.example."),
        (TimeoutError(), "mail.example:587 does not answer within 60 seconds."),
        (ssl.SSLError(1, "wrong version number"), "The connection to mail.example:587 is not safe: "),
        (OSError(101, "Network is unreachable"), "mail.example:587: OSError: "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_went_wrong_is_said_in_words(settings: Any, error: Exception, sentence: str) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "mail.example", 587, 60

    assert in_words(error).startswith(sentence)
