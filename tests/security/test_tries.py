"""What somebody tries who knows how such sites are built: each try is made, and comes to nothing."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from booking import rate_limits
from booking.models import Appointment, Parent, RateCounter, State
from tests.booking.accounts import PASSWORD, code
from tests.forms import forms
from tests.house import NOW, browser_of, every_route, make_house

pytestmark = pytest.mark.django_db

LOGIN, ALICE = "/en/account/login/", "alice@praktijk.example"
# A mail as it is, shown within a page; and pages for whoever cannot get in.
WITHOUT_MENU = {"booking:mail_html", "account_inactive"}
ELSEWHERE = [
    *("https://elsewhere.example/", "//elsewhere.example/", "///elsewhere.example", "/\\elsewhere.example"),
    *("\\\\elsewhere.example", "https:elsewhere.example", "javascript:alert(1)", "data:text/html,x"),
    *(
        "/%09/elsewhere.example",
        "\t//elsewhere.example",
        "http://testserver@elsewhere.example/",
        "%2f%2felsewhere.example",
    ),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    # allauth's own counts live in the cache, which outlives a test.
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
    cache.clear()


@pytest.fixture
def house() -> dict[str, Any]:
    return make_house()


def sign_in(browser: Client, **more: Any) -> Any:
    browser.post(LOGIN, {"login": ALICE, "password": PASSWORD}, **more)
    return browser.post("/en/account/2fa/authenticate/", {"code": code()})


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "x-host", "x-original-url", "forwarded"])
@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]], ids=["bare", "behind a proxy"])
def test_forged_host_is_in_no_page_and_no_mail(
    house: dict[str, Any], settings: Any, header: str, trusted: list[str]
) -> None:
    settings.TRUSTED_PROXIES = trusted
    forged = Client(headers={header: "elsewhere.example"})

    answers = [forged.get("/en/contact/"), forged.get("/agenda/"), forged.get("/sitemap.xml")]
    answers.append(forged.post("/account/wachtwoord/vergeten/", {"email": ALICE}))

    for answer in answers:
        assert b"elsewhere.example" not in answer.content
        assert "elsewhere.example" not in answer.headers.get("Location", "")
        assert (answer.status_code == 400) is (header == "host")


def test_callers_are_told_apart_by_what_trusted_proxies_say_alone(house: dict[str, Any], settings: Any) -> None:
    def tries(*addresses: str) -> list[int]:
        RateCounter.objects.all().delete()
        browser = Client()
        asked = [browser.get("/afspraak/beheer/x/", headers={"x-forwarded-for": found}) for found in addresses]
        return [answer.status_code for answer in asked]

    many = [f"203.0.113.{number}" for number in range(32)]
    settings.TRUSTED_PROXIES = []
    assert tries(*many)[-1] == 429
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert set(tries(*many)) == {404}
    # What a visitor wrote stands before what our proxy wrote, and is not believed.
    assert tries(*[f"{address}, 198.51.100.7" for address in many])[-1] == 429


def test_a_line_with_many_networks_is_one_caller(house: dict[str, Any], monkeypatch: Any) -> None:
    def tries(*addresses: str) -> list[int]:
        RateCounter.objects.all().delete()
        asked = [Client(REMOTE_ADDR=address).get("/afspraak/beheer/x/") for address in addresses]
        return [answer.status_code for answer in asked]

    monkeypatch.setattr(rate_limits, "DEAD_LINKS", replace(rate_limits.DEAD_LINKS, most=2))

    # A /56 and a /48, each address in another /64.
    home = tries(*(f"2001:db8:0:7{number:02x}::1" for number in range(10)))
    school = tries(*(f"2001:db8:0:{number:x}00::1" for number in range(40)))

    assert (home.count(404), home[-1]) == (8, 429)
    assert (school.count(404), school[-1]) == (32, 429)


def test_a_line_with_many_networks_guesses_a_password_as_one_caller(
    house: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr(rate_limits, "PASSWORDS", replace(rate_limits.PASSWORDS, most=2))
    for number in range(8):
        guessing = Client(REMOTE_ADDR=f"2001:db8:0:7{number:02x}::1")
        guessing.post(LOGIN, {"login": ALICE, "password": "a guess"})

    answers = [
        Client(REMOTE_ADDR=address).post(LOGIN, {"login": ALICE, "password": PASSWORD}).status_code
        for address in ("2001:db8:0:7ff::1", "2001:db8:0:8ff::1")
    ]

    assert answers == [200, 302]


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://testserver.elsewhere.example"])
def test_form_sent_from_another_site_does_nothing(house: dict[str, Any], origin: str) -> None:
    browser = browser_of("alice")
    browser.handler.enforce_csrf_checks = True
    appointment = Appointment.objects.get()
    cancel = f"/en/agenda/afspraak/{appointment.public_id}/afzeggen/"
    page = browser.get(f"/en/agenda/afspraak/{appointment.public_id}/").content.decode()
    token = next(form.values["csrfmiddlewaretoken"] for form in forms("/", page) if form.action == cancel)

    without = browser.post(cancel)
    foreign = browser.post(cancel, {"csrfmiddlewaretoken": token}, headers={"origin": origin})
    parent = browser.post(f"/afspraak/beheer/{house['token']}/afzeggen/", headers={"origin": origin})

    assert [answer.status_code for answer in (without, foreign, parent)] == [403, 403, 403]
    appointment.refresh_from_db()
    assert appointment.state == State.CONFIRMED
    assert (
        browser.post(cancel, {"csrfmiddlewaretoken": token}, headers={"origin": "http://testserver"}).status_code
        == 302
    )


def test_no_form_is_taken_without_its_token(house: dict[str, Any]) -> None:
    open_, asked = [], 0
    for name in ("visitor", "alice", "carol"):
        browser = browser_of(name)
        browser.handler.enforce_csrf_checks = True
        for route in every_route(house, "practice.urls"):
            # The API takes no cookie, so that nobody can be made to send one along.
            if route.name.startswith("api:"):
                continue
            answer = browser.post(route.address)
            asked += 1
            if answer.status_code not in {301, 403, 405}:
                open_.append((name, route.name, answer.status_code))

    assert open_ == []
    assert asked > 300


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_way_in_leads_elsewhere(house: dict[str, Any], settings: Any, target: str) -> None:
    settings.RATE_LIMITS = False
    browser, places = Client(), []
    for way in ("next", "redirect_to", "url", "return_to"):
        places.append(browser.get(f"{LOGIN}?{way}={quote(target)}"))
    places.append(
        browser.post(f"{LOGIN}?next={quote(target)}", {"login": ALICE, "password": PASSWORD, "next": target})
    )
    places.append(browser.post("/en/account/2fa/authenticate/", {"code": code(), "next": target}))
    inside = browser_of("carol")
    for address in ("/en/account/reauthenticate/", "/beheer/login/", LOGIN, "/en/account/logout/"):
        places.append(inside.get(f"{address}?next={quote(target)}"))
        places.append(inside.post(f"{address}?next={quote(target)}", {"next": target, "password": PASSWORD}))
    # A double slash at the front is a host to browsers.
    places.append(inside.get("//elsewhere.example/en"))

    for answer in places:
        place = answer.headers.get("Location", "/")
        assert not urlsplit(place.replace("\\", "/")).netloc, place
        assert urlsplit(place).scheme == "", place


def test_session_is_another_after_each_step_in_and_dead_after_leaving(house: dict[str, Any]) -> None:
    browser = Client()
    page = browser.get("/afspraak/").content.decode()
    chosen = next(form for form in forms("/afspraak/", page) if form.action == "/afspraak/kiezen/")
    browser.post("/afspraak/kiezen/", chosen.values)
    before = browser.session.session_key
    browser.post(LOGIN, {"login": ALICE, "password": PASSWORD})
    browser.post("/en/account/2fa/authenticate/", {"code": code()})
    within = browser.session.session_key
    held = deepcopy(browser.cookies)

    assert before
    assert within != before
    assert browser.get("/agenda/").status_code == 200
    # Who planted the key before has nothing of what came after.
    planted = Client()
    planted.cookies["sessionid"] = before
    assert planted.get("/agenda/").status_code == 302
    browser.post("/en/account/logout/")
    thief = Client()
    thief.cookies = held
    assert thief.get("/agenda/").status_code == 302


def test_a_new_password_ends_every_other_session(house: dict[str, Any]) -> None:
    browser = Client()
    sign_in(browser)
    other = browser_of("alice")
    held = deepcopy(browser.cookies)
    assert other.get("/agenda/").status_code == 200

    fields = {"oldpassword": PASSWORD, "password1": "drie groene fietsen", "password2": "drie groene fietsen"}
    assert browser.post("/en/account/password/change/", fields).status_code == 302

    old = Client()
    old.cookies = held
    assert [seen.get("/agenda/").status_code for seen in (browser, other, old)] == [200, 302, 302]


def test_counting_up_finds_nothing_of_another_therapist(house: dict[str, Any]) -> None:
    """Each address with a number in it, for all numbers that there are: nothing but what is Charlie's own."""
    browser, mine = browser_of("charlie"), Appointment.objects.get()
    texts = []
    for pk in range(1, 25):
        for address in ("werktijden/{}/", "vrij/{}/", "vrij/extra/{}/"):
            answer = browser.get(f"/en/agenda/{address.format(pk)}")
            assert answer.status_code == 404, (address, pk)
        for address in ("mail/{}/opnieuw/", "kalenders/{}/lezen/", "kalenders/{}/weg/"):
            answer = browser.post(f"/en/agenda/{address.format(pk)}")
            assert answer.status_code == 404, (address, pk)
            texts.append(answer.content)
    assert b"Thuis" not in b"".join(texts)
    assert browser.get(f"/en/agenda/afspraak/{mine.public_id}/").status_code == 404


def test_second_tab_of_a_family_cannot_undo_the_first(house: dict[str, Any]) -> None:
    manage = f"/afspraak/beheer/{house['token']}/"
    one, two = Client(), Client()
    move = two.get(f"{manage}verzetten/?type=eerste-afspraak&start=2026-12-02T13:00Z").content.decode()
    form = next(form for form in forms(f"{manage}verzetten/", move) if form.method == "POST")

    assert one.post(f"{manage}afzeggen/").status_code == 302
    stale = two.post(form.action, form.values)
    again = one.post(f"{manage}afzeggen/")

    appointment = Appointment.objects.get()
    assert appointment.state == State.CANCELLED
    assert stale.status_code in {302, 409}
    assert again.status_code in {302, 409}
    assert appointment.start.isoformat() == "2026-12-01T09:00:00+00:00"


def test_the_same_form_sent_again_books_once(house: dict[str, Any], settings: Any) -> None:
    browser, before = Client(), Appointment.objects.count()
    address = "/afspraak/gegevens/?type=eerste-afspraak&start=2026-12-02T13:00Z"
    form = next(form for form in forms(address, browser.get(address).content.decode()) if form.method == "POST")
    filled = {**form.values, "email": "noor@example.org", "phone": "0612345678", "particulars": ""}

    answers = [browser.post("/afspraak/gegevens/", filled) for _ in range(3)]
    stolen = Client().post("/afspraak/gegevens/", filled)

    assert {(answer.status_code, answer.headers.get("Location")) for answer in answers} == {
        (302, answers[0].headers["Location"])
    }
    # Whoever found the form in another browser gets no link to the family's appointment.
    assert stolen.status_code in {409, 422}
    assert Appointment.objects.count() == before + 1


def test_signing_out_is_one_press_away_wherever_one_is_signed_in(house: dict[str, Any]) -> None:
    for name in ("alice", "carol"):
        browser, without, seen = browser_of(name), [], 0
        for route in every_route(house, "practice.urls"):
            if route.address.split("/")[1] not in {"account", "agenda", "beheer"}:
                continue
            answer = browser.get(route.address)
            if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
                continue
            seen += 1
            if b"/logout/" not in answer.content:
                without.append(route.name)

        assert set(without) <= WITHOUT_MENU, name
        assert seen > 20


def test_a_file_to_keep_has_a_name_of_ours(house: dict[str, Any]) -> None:
    """None is made of what anybody typed or asked for, so that none can end the header or hide what it is."""
    found = {}
    for name in ("visitor", "carol"):
        browser = browser_of(name)
        browser.post(f"/afspraak/beheer/{house['token']}/gegevens/", {"phone": Parent.objects.get().phone})
        for route in every_route(house, "practice.urls"):
            answer = browser.get(f"{route.address}?filename=a.exe&name=a.exe")
            if "Content-Disposition" in answer.headers:
                found[route.name] = answer.headers["Content-Disposition"]

    assert len(found) >= 5
    for route_name, said in found.items():
        assert re.fullmatch(r'(attachment|inline); filename="[a-z0-9-]+\.(ics|csv|json|txt)"', said), route_name


def test_a_mail_address_adds_nothing_to_the_link_made_of_it(house: dict[str, Any]) -> None:
    """`?`, `&` and `%` may stand in front of the @; in a link they would name who else reads along."""
    Parent.objects.update(email="noor?cc=all&bcc=%0Aall+x@elsewhere.example")
    appointment = Appointment.objects.get()

    page = browser_of("alice").get(f"/en/agenda/afspraak/{appointment.public_id}/").content.decode()

    assert 'href="mailto:noor%3Fcc%3Dall%26bcc%3D%250Aall%2Bx@elsewhere.example"' in page
