"""The API as Ninja has it, and what its description says beyond the signatures of the calls: the problems.

It is in English whatever the caller reads; the answers themselves speak the language of Accept-Language.
"""

from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.utils.translation import override
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from booking.api.problems import CONTENT_TYPE, KINDS, Problem
from booking.api.schemas import ProblemOut

_SCHEMAS = "#/components/schemas/"
_RETRY_AFTER = {"description": "After how many seconds to try again.", "schema": {"type": "integer", "minimum": 1}}
_AUTHENTICATE = {"description": "Which scheme is asked for: Bearer.", "schema": {"type": "string"}}
_HEADERS = {
    401: {"WWW-Authenticate": _AUTHENTICATE},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}


class JSONParser(Parser):
    """Reads bodies that say they are JSON, and no others."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            # Also what keeps other sites' forms out: a browser asks first before it sends JSON elsewhere.
            raise Problem("unsupported-media-type")
        return super().parse_body(request)


class DescribedAPI(NinjaAPI):
    """Ninja's API, whose description knows problems too, and which leaves answering errors to the guard."""

    def on_exception(self, request: Any, exc: Any) -> Any:
        """Let `exc` through to the guard around every view (urls.py), which alone turns errors into answers."""
        raise exc

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """Return the OpenAPI description (3.1)."""
        schema = super().get_openapi_schema(**kwargs)
        problem = ProblemOut.model_json_schema(ref_template=_SCHEMAS + "{model}")
        schema["components"]["schemas"] |= {**problem.pop("$defs"), ProblemOut.__name__: problem}
        return schema


api = DescribedAPI(
    title="Kennismaking",
    version="1.0.0",
    urls_namespace="api",
    parser=JSONParser(),
    docs_url=None,
    docs_decorator=require_safe,
    description=(
        "Book, move and cancel appointments at this practice. Times are ISO 8601 with an offset, in the practice's"
        " own zone; a time in a request may have any offset, but must have one. Therapists and appointment types"
        " go by their slug. Whatever goes wrong is answered as `application/problem+json` (RFC 9457). Names and"
        " sentences are in the language of `Accept-Language`, where the practice speaks it."
    ),
)


def answers(
    status: int, description: str, *problems: str, others: dict[int, str] | None = None, **extra: Any
) -> dict[str, Any]:
    """Return the part of an operation's description that says how it answers.

    `description` is of the answer with `status`, when all goes well, and `others` are of what it may be instead;
    `problems` are names from KINDS.
    """
    everywhere = ("https-required", "too-many-requests", "fault")
    names = sorted([*problems, *everywhere], key=lambda name: KINDS[name].status)
    well = {status: description, **(others or {})}
    responses: dict[int, Any] = {status: {"description": text} for status, text in well.items()}
    with override("en"):
        for failed, of_status in groupby(names, key=lambda name: KINDS[name].status):
            responses[failed] = _response(failed, list(of_status))
    return {"responses": responses, **extra}


def _response(status: int, names: list[str]) -> dict[str, Any]:
    examples = {name: {"summary": str(KINDS[name].title), "value": _example(name)} for name in names}
    content = {CONTENT_TYPE: {"schema": {"$ref": _SCHEMAS + ProblemOut.__name__}, "examples": examples}}
    description = "\n\n".join(f"`{name}`: {KINDS[name].title}. {KINDS[name].advice}" for name in names)
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": description, **headers, "content": content}


def _example(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    problem = {
        "type": f"/api/v1/problems/{name}",
        "title": str(kind.title),
        "status": kind.status,
        "detail": str(kind.advice),
    }
    if name == "invalid":
        sentence = "Please fill in your mail address."
        return {**problem, "errors": [{"field": "parent.email", "message": sentence}]}
    if name == "slot-taken":
        slot = {
            "start": "2026-12-01T11:00:00+01:00",
            "end": "2026-12-01T12:00:00+01:00",
            "therapist": "demo-therapeut",
        }
        return {**problem, "alternatives": [slot]}
    return problem
