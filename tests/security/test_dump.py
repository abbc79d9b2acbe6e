"""A whole life of appointments, and then all that lies about: no copy of it without the keys names a family."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import pytest
import redis

from tests.forms import forms
from tests.served import DEMO_EMAIL, DEMO_PASSWORD, Factory, Served
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

FAMILY = ("Aliénor", "Quispel", "Zéphyrin", "Bedwelmend", "0687654321", "687654321")
TYPED = {
    "parent_name": "Aliénor Quispel",
    "email": "alienor.quispel@example.org",
    "phone": "06 87654321",
    "child_first_name": "Zéphyrin",
    "remark": "Bedwelmend bang voor de zee",
}
WORDS = (*FAMILY, "alienor.quispel", "bang voor de zee")


def shapes(word: str) -> Iterator[bytes]:
    """Yield how `word` may lie about: as text, escaped, or coded by itself at any place of a longer text."""
    for text in {word, word.casefold(), word.upper()}:
        for coding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            raw = text.encode(coding)
            yield from (raw, raw.hex().encode())
            for skipped in range(3):
                # Base64 of a longer text: without the signs at both ends, which the neighbours change.
                coded = base64.b64encode(b"\0" * skipped + raw).rstrip(b"=")[4 if skipped else 0 : -1]
                yield from (coded, coded.translate(bytes.maketrans(b"+/", b"-_")))
        yield json.dumps(text)[1:-1].encode()
        yield quote(text).encode()


SHAPES = {shape: word for word in WORDS for shape in shapes(word) if len(shape) >= 6}


def found_in(content: bytes) -> set[str]:
    return {word for shape, word in SHAPES.items() if shape in content}


def rows(practice: Served) -> bytes:
    """Return every column of every table as text; what holds bytes, as these bytes."""
    cells: list[object] = []
    if practice.database_url:
        with psycopg.connect(practice.database_url) as database:
            names = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (name,) in names:
                for row in database.execute(f'SELECT * FROM "{name}"').fetchall():
                    cells += row
    else:
        with sqlite3.connect(practice.data_dir / "practice.sqlite3") as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in database.execute(f'SELECT * FROM "{name}"').fetchall():
                    cells += row
    return b"\n".join(
        bytes(cell) if isinstance(cell, (bytes, memoryview)) else str(cell).encode() for cell in cells
    )


def live(practice: Served, sink: Sink) -> Iterator[bytes]:
    """Book by page, by API and by hand, move, cancel, sign in, export; yield what the therapist was shown."""
    family, therapist = Visitor(practice.url, TYPED["parent_name"]), Visitor(practice.url)

    def free() -> list[str]:
        return family.get("/afspraak/").starts()

    manage = []
    for _ in range(3):
        booked = family.post("/afspraak/gegevens/", **{**family.open_form(free()[0]), **TYPED})
        assert booked.status == 302
        manage.append(booked.location.replace("gemaakt", "beheer"))
    cancel = family.get(f"{manage[1]}afzeggen/")
    family.post(f"{manage[1]}afzeggen/", csrfmiddlewaretoken=cancel.hidden("csrfmiddlewaretoken"))
    move = f"{manage[2]}verzetten/?{urlencode({'type': 'eerste-afspraak', 'start': free()[-1]})}"
    moving = next(form for form in forms(move, family.get(move).text) if form.method == "POST")
    assert family.post(moving.action, **moving.values).status == 302

    call = {
        "appointment_type": "eerste-afspraak",
        "start": free()[0],
        "parent": {
            "name": TYPED["parent_name"],
            "email": "api." + TYPED["email"],
            "phone": "+31687654321",
            "language": "nl",
        },
        "child": {"first_name": TYPED["child_first_name"], "age_band": "under_12"},
        "remark": TYPED["remark"],
        "consent": True,
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    with urlopen(Request(f"{practice.url}/api/v1/appointments", json.dumps(call).encode(), headers)) as answer:
        assert answer.status == 201

    login = therapist.get("/account/login/")
    token = login.hidden("csrfmiddlewaretoken")
    entered = therapist.post(
        "/account/login/", csrfmiddlewaretoken=token, login=DEMO_EMAIL, password=DEMO_PASSWORD
    )
    assert entered.status == 302
    by_hand = f"/agenda/afspraak/nieuw/?{urlencode({'type': 'eerste-afspraak', 'start': free()[0]})}"
    hand = next(form for form in forms(by_hand, therapist.get(by_hand).text) if "parent_name" in form.values)
    assert therapist.post(hand.action, **{**hand.values, **TYPED, "email": "hand." + TYPED["email"]}).status == 302
    for page in ("/agenda/?view=list", "/agenda/cijfers/cijfers.csv", "/agenda/kalenders/"):
        yield therapist.get(page).text.encode()
    # Those that were still to be sent when the time was cancelled or moved are not sent any more.
    wait_until(lambda: len(sink.messages) >= 6, what=f"the mails:\n{practice.log('worker')}", seconds=60)


@pytest.mark.parametrize(
    "hidden",
    [
        "Zéphyrin".encode("utf-16-le"),
        b"x" + base64.b64encode(b"{'name': '" + "Zéphyrin Quispel".encode() + b"'}") + b"x",
        base64.urlsafe_b64encode("naam:Aliénor Quispel".encode()),
        json.dumps({"child": "Zéphyrin"}).encode(),
        b"bang voor de zee".hex().encode(),
        quote("alienor.quispel@example.org").encode(),
        b"ALIENOR.QUISPEL",
    ],
)
def test_the_search_sees_through_codings(hidden: bytes) -> None:
    assert found_in(hidden)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nothing_that_lies_about_names_a_family(
    served: Factory, smtp_sink: Sink, request: pytest.FixtureRequest, engine: str
) -> None:
    grown = {"REDIS_URL": request.getfixturevalue("redis_url")} if engine == "postgresql" else {}
    with served(engine, worker=True, EMAIL_URL=smtp_sink.url, SECOND_FACTOR="0", **grown) as practice:
        shown = b"".join(live(practice, smtp_sink))
        mails = b"".join(str(message).encode() for message in smtp_sink.messages)
        # No worker takes these any more: what one more booking asks of it lies in the queue.
        practice.stop("worker")
        family = Visitor(practice.url, TYPED["parent_name"])
        form = family.open_form(family.get("/afspraak/").starts()[0])
        assert family.post("/afspraak/gegevens/", **{**form, **TYPED}).status == 302
        lying = {"rows": rows(practice)}
        if grown:
            store = redis.Redis.from_url(grown["REDIS_URL"])
            for key in store.scan_iter():
                lying[f"redis {key!r}"] = key + store.dump(key)
            assert any(b"celery" in name.encode() for name in lying)
        else:
            assert list((practice.data_dir / "queue").iterdir())
        practice.stop("web")
        for file in practice.data_dir.rglob("*"):
            if file.is_file() and "static" not in file.parts:
                lying[str(file.relative_to(practice.data_dir))] = file.read_bytes()

    assert found_in(shown) >= {"Zéphyrin"}, "the therapist reads names, so this would see them"
    assert {name: found_in(content) for name, content in lying.items() if found_in(content)} == {}
    assert len(lying["rows"]) > 10_000
    assert mails
