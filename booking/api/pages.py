"""What people read about the API: its documentation, and the page behind each type of problem.

The documentation is made on the server from the OpenAPI description: it cannot lag behind, and needs no script
or style that the site's policy would have to make room for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import override
from django.views.decorators.http import require_safe

from booking.api.documented import api
from booking.api.problems import KINDS
from practice.pages import to_html
from practice.requests import PracticeRequest

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a request or an answer holds; `place` says where: path, query, header or body."""

    name: str
    place: str
    kind: str
    required: bool
    description: SafeString


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an operation answers with; descriptions everywhere are Markdown made HTML."""

    status: HTTPStatus
    description: SafeString
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    name: str
    method: str
    path: str
    summary: str
    description: SafeString
    fields: list[Field]
    example: str
    answers: list[Answer]


@require_safe
def docs(request: PracticeRequest) -> HttpResponse:
    """Show what the API can do. In English, as its description is."""
    with override("en"):
        schema = api.get_openapi_schema()
        context = {
            "info": schema["info"],
            "about": to_html(api.description),
            "operations": list(_operations(schema)),
        }
        response = render(request, "api/docs.html", context)
    response["Content-Language"] = "en"
    return response


@require_safe
def problem(request: PracticeRequest, name: str) -> HttpResponse:
    """Explain one type of problem, in the reader's language."""
    if name not in KINDS:
        raise Http404
    return render(request, "api/problem.html", {"name": name, "kind": KINDS[name]})


def _operations(schema: Schema) -> Iterator[Operation]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            body = _content(operation.get("requestBody", {}))
            yield Operation(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=to_html(operation["description"]),
                fields=[*map(_parameter, operation["parameters"]), *_body_fields(schema, body)],
                example=_example(schema, body),
                answers=[
                    Answer(HTTPStatus(status), to_html(answer["description"]), _example(schema, _content(answer)))
                    for status, answer in operation["responses"].items()
                ],
            )


def _content(message: Schema) -> Schema:
    """Return the schema and examples of the one content type that `message` comes in, if it has content."""
    return next(iter(message.get("content", {}).values()), {})


def _parameter(parameter: Schema) -> Field:
    return Field(
        name=parameter["name"],
        place=parameter["in"],
        kind=_kind(parameter["schema"]),
        required=parameter["required"],
        description=to_html(parameter.get("description", "")),
    )


def _body_fields(schema: Schema, content: Schema, prefix: str = "") -> Iterator[Field]:
    """Yield the fields of a body, those of an object inside it by their whole name: `parent.email`."""
    described = _resolved(schema, content.get("schema", {}))
    for name, field in described.get("properties", {}).items():
        if "properties" in _resolved(schema, field):
            yield from _body_fields(schema, {"schema": field}, f"{prefix}{name}.")
        else:
            required = name in described.get("required", [])
            words = to_html(field.get("description", ""))
            yield Field(prefix + name, "body", _kind(field), required, words)


def _kind(field: Schema) -> str:
    """Return in a few words what a value looks like."""
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    one = options[0]
    if "enum" in one:
        return " | ".join(one["enum"])
    words = [one.get("format") or one["type"]]
    if "const" in one:
        words = [json.dumps(one["const"])]
    if "maxLength" in one:
        words.append(f"at most {one['maxLength']} characters")
    return ", ".join(words)


def _example(schema: Schema, content: Schema) -> str:
    """Return an example of `content` as indented JSON, or "" where it has none."""
    if "examples" in content:
        return _indented(next(iter(content["examples"].values()))["value"])
    described = content.get("schema", {})
    if described.get("type") == "array":
        item = _resolved(schema, described["items"])
        return _indented([item["examples"][0]]) if "examples" in item else ""
    examples = _resolved(schema, described).get("examples")
    return _indented(examples[0]) if examples else ""


def _resolved(schema: Schema, described: Schema) -> Schema:
    name = described.get("$ref", "").rpartition("/")[2]
    return schema["components"]["schemas"][name] if name else described


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
