"""Whatever is typed is looked at for its length first: the longest that can arrive takes next to no time."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import Client
from pydantic import BaseModel

import booking.forms
from booking.api import schemas
from practice import forms as practice_forms
from practice.pages import links_of, to_html
from tests.attacks import MOST, seconds
from tests.booking.factories import make_practice

pytestmark = pytest.mark.django_db

# As much as DATA_UPLOAD_MAX_MEMORY_SIZE lets in.
LARGEST = 250_000
TEXTS = {
    # Two marks whose order has to be found for the whole run of them: quadratic, where it is normalized.
    "marks": "a" + "\u0301\u0316" * (LARGEST // 4),
    "letters": "a" * LARGEST,
    "digits": "1" * LARGEST,
    "dots": "a." * (LARGEST // 2),
    "at": "@" * LARGEST,
    "blanks": "a" + " \u00a0" * (LARGEST // 3) + "a",
    "unseen": "\u200e" * (LARGEST // 3) + "a",
    "an address": "https://" + "a\u0301\u0316" * (LARGEST // 8),
    "lists": "[" * LARGEST,
    "a slash": "2026-12-01T10:00Z/" * (LARGEST // 18),
}


def form_classes() -> Iterator[type[forms.BaseForm]]:
    modules = [
        importlib.import_module(f"booking.forms.{one.name}")
        for one in pkgutil.iter_modules(booking.forms.__path__)
    ]
    for module in (*modules, practice_forms):
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and issubclass(value, forms.BaseForm)
                and value.__module__ == module.__name__
            ):
                yield value


def fields() -> dict[str, forms.Field]:
    return {
        f"{form.__name__}.{name}": field
        for form in form_classes()
        for name, field in getattr(form, "base_fields", {}).items()
    }


# A password may be as long as a body lets it be: it is hashed, in a time that its length hardly matters to. A code
# is compared, and the length of a page is said by the page's own form.
UNBOUNDED = {"oldpassword", "password", "password1", "password2", "new_password1", "code", "body"}


def test_every_text_has_a_longest() -> None:
    unbounded = [
        where
        for where, field in fields().items()
        if isinstance(field, forms.CharField)
        and not isinstance(field, (forms.UUIDField, forms.JSONField))
        and field.max_length is None
        and type(field).__name__ not in {"StartField", "PhoneField"}
        and where.rpartition(".")[2] not in UNBOUNDED
    ]

    assert unbounded == []


@pytest.mark.parametrize("where", ALL := fields())
def test_no_text_keeps_a_field_busy(where: str) -> None:
    field = ALL[where]
    # The admin puts a field for each language in the place of a picture's words.
    if isinstance(field, forms.FileField) or type(field) is forms.JSONField:
        return
    several = isinstance(field, (forms.MultiValueField, forms.MultipleChoiceField, forms.ModelMultipleChoiceField))

    for name, text in TEXTS.items():
        given = [text] if several else text
        assert seconds(partial(tried, field, given)) < MOST, name


def tried(field: forms.Field, given: Any) -> None:
    try:
        field.clean(given)
    except ValidationError:
        return


def test_every_text_of_the_api_has_a_longest() -> None:
    models = [
        one
        for one in vars(schemas).values()
        if inspect.isclass(one) and issubclass(one, (schemas.In, schemas.SlotsQuery))
    ]
    texts = {
        f"{model.__name__}.{name}": field
        for model in models
        for name, field in model.model_fields.items()
        if "str" in str(field.annotation)
    }

    assert len(texts) > 10
    assert [where for where, field in texts.items() if not _bounded(field)] == []


def _bounded(field: Any) -> bool:
    return any(getattr(one, "max_length", None) for one in field.metadata) or "max_length" in str(field.annotation)


@pytest.mark.parametrize("name", TEXTS)
def test_no_body_keeps_the_api_busy(name: str) -> None:
    text = TEXTS[name]
    extra: Any = schemas.BookingIn.model_config["json_schema_extra"]
    body = extra["examples"][0]

    for change in ({"remark": text}, {"start": text}, {"parent": {**body["parent"], "name": text, "email": text}}):
        assert seconds(partial(_validated, schemas.BookingIn, {**body, **change})) < MOST


def _validated(model: type[BaseModel], data: dict[str, Any]) -> None:
    try:
        model.model_validate(data)
    except ValueError:
        return


@pytest.mark.parametrize(
    "credential",
    [
        "[" * 100_000,
        "1" * 5_000,
        "1e400",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"id": []}',
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        "x",
    ],
    ids=["lists", "digits", "infinite", "a list", "nothing", "a text", "empty", "no id", "nested", "no JSON"],
)
def test_what_is_no_passkey_signs_nobody_in_and_breaks_nothing(credential: str) -> None:
    make_practice()
    visitor = Client()
    visitor.get("/account/2fa/webauthn/login/", headers={"X-Requested-With": "XMLHttpRequest"})

    response = visitor.post("/account/2fa/webauthn/login/", {"credential": credential})

    assert response.status_code < 500
    assert "_auth_user_id" not in visitor.session


@pytest.mark.parametrize(
    "seed",
    [
        "[",
        "![",
        "*",
        "**",
        "_",
        "`",
        "> ",
        "- ",
        "[a](",
        "[a]: ",
        "<a",
        "*a",
        "[[a](b)",
        "|",
        "# ",
        "\\",
        "&",
        "~",
        "- a\n",
    ],
)
def test_no_page_keeps_the_editor_busy(seed: str) -> None:
    short, long = (((seed * size)[:size]) for size in (2_000, 8_000))

    # Four times as long: not sixteen times as much work. A moment is allowed for what is the same for both.
    assert seconds(partial(_rendered, long)) < 8 * seconds(partial(_rendered, short)) + MOST


def _rendered(text: str) -> None:
    to_html.__wrapped__(text)
    links_of(text)
