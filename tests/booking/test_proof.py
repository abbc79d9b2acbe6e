"""A browser works before it books, once programs may be at it: each sum is ours, for a while, and good once."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any

import altcha
import pytest
import time_machine

from booking import proof, rate_limits
from booking.errors import ProofNeeded, SlotTaken, TooManyRequests
from booking.models import Appointment, AppointmentType
from booking.rate_limits import Limit
from tests.booking.factories import make_family
from tests.booking.steps import NOW, book

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def solved(question: str) -> str:
    """Return what a browser answers."""
    challenge = altcha.Challenge.from_dict(json.loads(question))
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def changed(answer: str, **parameters: Any) -> str:
    payload = json.loads(b64decode(answer))
    payload["challenge"]["parameters"] |= parameters
    return b64encode(json.dumps(payload).encode()).decode()


def test_an_answer_is_good_once_and_another_one_after_it(consult: AppointmentType, clock: Any) -> None:
    answer = proof.check(solved(proof.question(now=NOW)))
    book(consult, "2026-12-01 10:00", proven=answer)

    clock.shift(timedelta(minutes=20))
    with pytest.raises(ProofNeeded):
        book(consult, "2026-12-02 10:00", proven=answer)
    book(consult, "2026-12-02 10:00", proven=proof.check(solved(proof.question(now=NOW))))


def test_what_could_not_be_booked_spends_nothing(consult: AppointmentType) -> None:
    book(consult, "2026-12-01 10:00", family=make_family(email="mila@example.org"))
    answer = proof.check(solved(proof.question(now=NOW)))
    with pytest.raises(SlotTaken):
        book(consult, "2026-12-01 10:00", proven=answer)

    book(consult, "2026-12-02 10:00", proven=answer)
    assert Appointment.objects.count() == 2


def test_an_answer_is_good_for_half_an_hour(clock: Any) -> None:
    answer = solved(proof.question(now=NOW))

    clock.shift(timedelta(minutes=29))
    proof.check(answer)
    clock.shift(timedelta(minutes=2))
    with pytest.raises(ProofNeeded):
        proof.check(answer)


def test_nobody_sets_a_sum_of_their_own(settings: Any) -> None:
    answer = solved(proof.question(now=NOW))
    easier = changed(answer, keyPrefix="")
    later = changed(answer, expiresAt=int((NOW + timedelta(days=1)).timestamp()))
    unsigned = solved(json.dumps(altcha.create_challenge("PBKDF2/SHA-256", 1, counter=1).to_dict()))
    signed_by_another = altcha.create_challenge("PBKDF2/SHA-256", 1, counter=1, hmac_secret="another house")
    wrong = json.loads(b64decode(answer))
    wrong["solution"]["counter"] += 1

    for forged in [
        easier,
        later,
        unsigned,
        solved(json.dumps(signed_by_another.to_dict())),
        b64encode(json.dumps(wrong).encode()).decode(),
    ]:
        with pytest.raises(ProofNeeded):
            proof.check(forged)
    proof.check(answer)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "x",
        "é",
        "bnVsbA==",
        "W10=",
        "e30=",
        b64encode(b'{"challenge": [], "solution": 1}').decode(),
        "e" * 9999,
    ],
    ids=["nothing", "a letter", "an accent", "null", "a list", "an object", "wrong types", "long"],
)
def test_nonsense_is_no_answer(nonsense: str) -> None:
    with pytest.raises(ProofNeeded):
        proof.check(nonsense)


def test_it_is_due_while_many_book_and_a_while_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "LOAD", Limit("load", 3, proof.LOAD.window))

    def tries(*callers: str) -> None:
        for caller in callers:
            rate_limits.count(rate_limits.HOLDS, caller, now=NOW, towards=proof.LOAD)

    tries("10.0.0.2", "10.0.0.3")
    assert not proof.is_due("10.0.0.1", now=NOW)

    tries("10.0.0.2")

    assert proof.is_due("10.0.0.1", now=NOW)
    assert proof.is_due("10.0.0.1", now=NOW + timedelta(minutes=10))
    assert not proof.is_due("10.0.0.1", now=NOW + timedelta(minutes=20))


def test_what_all_do_together_refuses_nobody() -> None:
    own, together = Limit("own", 5, timedelta(hours=1)), Limit("load", 1, timedelta(hours=1))
    for _ in range(own.most):
        rate_limits.count(own, "10.0.0.1", now=NOW, towards=together)

    with pytest.raises(TooManyRequests):
        rate_limits.count(own, "10.0.0.1", now=NOW, towards=together)


def test_it_is_due_of_who_is_halfway_to_a_limit(settings: Any) -> None:
    for _ in range(rate_limits.BOOKINGS.most // 2):
        rate_limits.count(rate_limits.BOOKINGS, "10.0.0.1", now=NOW)

    assert proof.is_due("10.0.0.1", now=NOW)
    assert not proof.is_due("10.0.0.2", now=NOW)
    settings.RATE_LIMITS = False
    assert not proof.is_due("10.0.0.1", now=NOW)
