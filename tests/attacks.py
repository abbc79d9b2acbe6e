"""Texts that make an expression or a parser look at the same place again and again, and what that costs."""

import re
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

with warnings.catch_warnings():
    # The only place where a pattern can be had as what it is made of.
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_constants as ops
    import sre_parse

# Of processor time, in seconds: what one text may cost (issue 13, point 2).
MOST = 0.05
_SAMPLES = {
    ops.CATEGORY_DIGIT: "1",
    ops.CATEGORY_NOT_DIGIT: "a",
    ops.CATEGORY_WORD: "a",
    ops.CATEGORY_NOT_WORD: "-",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_SPACE: "a",
}


def seconds(work: Callable[[], Any]) -> float:
    """Return the least processor time that `work` takes in three tries, or in one that is quick enough."""
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
        if least < MOST / 2:
            break
    return least


def example(pattern: "re.Pattern[Any]") -> str:
    """Return a short text in the shape of what `pattern` finds."""
    source = pattern.pattern
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    return "".join(_parts(sre_parse.parse(text, pattern.flags & ~re.DEBUG & ~re.UNICODE)))


def _parts(parsed: Any) -> Iterator[str]:
    for op, value in parsed:
        if op is ops.LITERAL:
            yield chr(value)
        elif op is ops.NOT_LITERAL:
            yield "a" if value != ord("a") else "b"
        elif op is ops.ANY:
            yield "a"
        elif op is ops.IN:
            yield _one_of(value)
        elif op is ops.SUBPATTERN:
            yield from _parts(value[-1])
        elif op is ops.ATOMIC_GROUP:
            yield from _parts(value)
        elif op is ops.BRANCH:
            yield from _parts(value[1][0])
        elif op in {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}:
            least, most, inner = value
            yield "".join(_parts(inner)) * max(least, min(most, 1))


def _one_of(choices: Any) -> str:
    if choices[0][0] is ops.NEGATE:
        refused = {chr(value) for op, value in choices[1:] if op is ops.LITERAL}
        return next(letter for letter in "a-b1" if letter not in refused)
    for op, value in choices:
        if op is ops.LITERAL:
            return chr(value)
        if op is ops.RANGE:
            return chr(value[0])
        if op is ops.CATEGORY:
            return _SAMPLES[value]
    raise AssertionError(choices)


def attacks(seed: str, size: int) -> Iterator[str]:
    """Yield texts of `size` characters, each a piece of `seed` over and over, with an end that fits nowhere; of
    long pieces, which begin seldom, texts of five times that."""
    pieces = {seed[:end] for end in range(1, min(len(seed), 60) + 1)}
    pieces |= {seed[at : at + width] for width in (1, 2, 3) for at in range(min(len(seed), 200) - width + 1)}
    for piece in sorted({*pieces, " ", "\n", "\n ", "a", "0", "@", "a.", "/"}):
        length = size if len(piece) < 4 else size * 5
        for head in ("", seed[:20]):
            yield (head + piece * (length // len(piece) + 1))[: length - 1] + "\x00"
