"""A proof of work: asked of a browser before it books, once so much is booked that programs may be at it.

The sum is ours to set and to check (altcha), and no service elsewhere hears of it. Each answer is good once.
"""

import json
from datetime import UTC, datetime, timedelta
from secrets import randbelow

import altcha
from django.conf import settings
from django.utils.crypto import salted_hmac

from booking import rate_limits
from booking.errors import ProofNeeded, TooManyRequests
from booking.rate_limits import BOOKINGS, HOLDS, Limit

# Two seconds of a phone that tries every number, and a third of a millisecond here.
_ITERATIONS, _NUMBERS = 1000, 2500
_LIFE = timedelta(minutes=30)
# Counts whoever chooses a time or books.
LOAD = Limit("load", settings.PROOF_FROM, timedelta(minutes=10))
_ANSWERS = Limit("proof", 1, timedelta(days=1))


def is_due(caller: str, *, now: datetime) -> bool:
    """Return whether `caller` is to work before booking: all do while many book, and whoever is halfway to a limit
    of their own does at any time."""
    half = [(limit, caller, limit.most // 2) for limit in (BOOKINGS, HOLDS)]
    return rate_limits.any_reached([(LOAD, rate_limits.EVERYONE, LOAD.most), *half], now=now)


def question(*, now: datetime) -> str:
    """Return a new sum, as JSON for proof.js; it can be answered for half an hour."""
    challenge = altcha.create_challenge(
        "PBKDF2/SHA-256",
        _ITERATIONS,
        counter=randbelow(_NUMBERS),
        expires_at=now + _LIFE,
        hmac_secret=_secret(),
    )
    return json.dumps(challenge.to_dict())


def check(answer: str) -> str:
    """Return the name under which `answer` is spent; raises ProofNeeded where it answers no question of ours."""
    if not altcha.verify_solution(answer, _secret()).verified:
        raise ProofNeeded
    challenge = altcha.Payload.from_base64(answer).challenge
    # Under the end of its life, which is the same at each try: no later window makes it good again.
    return f"{challenge.parameters.expires_at}:{challenge.signature}"


def spend(name: str) -> None:
    """Spend the answer of that `name`, in the caller's transaction; raises ProofNeeded where it is spent."""
    expires_at, _, signature = name.partition(":")
    try:
        rate_limits.count(_ANSWERS, signature, now=datetime.fromtimestamp(int(expires_at), UTC))
    except TooManyRequests as error:
        raise ProofNeeded from error


def _secret() -> str:
    return salted_hmac("booking.proof", "", algorithm="sha256").hexdigest()
