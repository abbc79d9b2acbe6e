import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import override

from tests.booking.factories import make_practice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_short_password_is_told_how_long_it_must_be(language: str) -> None:
    with override(language), pytest.raises(ValidationError) as refused:
        validate_password("drie fiets")

    assert [error.code for error in refused.value.error_list] == ["password_too_short"]
    assert "12" in refused.value.messages[0]
    assert refused.value.messages[0].startswith("This") == (language == "en")


def test_a_long_one_will_do() -> None:
    validate_password("drie groene fietsen")


@pytest.mark.parametrize(
    "password",
    ["DuimVoorJou2026!", "kennismaking-Veldhoven", "Welkom welkom 1", "wachtwoord12345", "Therapie.Praktijk.1"],
)
def test_words_of_the_practice_alone_are_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)

    assert [error.code for error in refused.value.error_list] == ["at_hand"]


@pytest.mark.parametrize(
    "password", ["de duim van mijn opa", "x" * 64, "пять зелёных дверей", "  spaties  tellen  "]
)
def test_any_signs_and_any_length_will_do(password: str) -> None:
    validate_password(password)
