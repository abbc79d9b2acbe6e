import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import override


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_short_password_is_told_how_long_it_must_be(language: str) -> None:
    with override(language), pytest.raises(ValidationError) as refused:
        validate_password("drie fiets")

    assert [error.code for error in refused.value.error_list] == ["password_too_short"]
    assert "12" in refused.value.messages[0]
    assert refused.value.messages[0].startswith("This") == (language == "en")


def test_a_long_one_will_do() -> None:
    validate_password("drie groene fietsen")
