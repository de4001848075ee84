"""Templates, sizes, durations and names."""

from __future__ import annotations

import pytest

from paddock.errors import ManifestError
from paddock.manifest.names import check_component_id, check_variable_name, kebab, nearest
from paddock.manifest.quantities import parse_duration, parse_size
from paddock.manifest.templates import expand, variables_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ a }}", "1"),
        ("{{a}}{{ b_c }}", "1{{ a }}"),
        ("x{{ a }}y{{ a }}z", "x1y1z"),
        ("{ a } }}", "{ a } }}"),
        ("a }} {{ a }}", "a }} 1"),
    ],
)
def test_a_template_is_expanded_once(text: str, expected: str) -> None:
    assert expand(text, {"a": "1", "b_c": "{{ a }}"}) == expected


@pytest.mark.parametrize("text", ["{{", "{{ a", "{{}}", "{{ A }}", "{{ a b }}", "{{{a}}}"])
def test_a_template_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        expand(text, {"a": "1"})


def test_a_missing_value_names_the_variable_and_no_value() -> None:
    with pytest.raises(ManifestError, match="'tokn'") as caught:
        expand("{{ tokn }}", {"token": "secret!"})
    assert "did you mean 'token'?" in str(caught.value)
    assert "secret!" not in str(caught.value)


def test_a_template_lists_its_variables_once_in_order() -> None:
    assert variables_of("{{ b }} {{a}} {{ b }}") == ("b", "a")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1, 1),
        (65536, 65536),
        ("1B", 1),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        ("1.5KiB", 1536),
        ("2GB", 2_000_000_000),
    ],
)
def test_sizes_are_bytes(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, True, 1.5, None, [], "", "64", "MiB", "64XB", "-1B", "0B", "9" * 99 + "B"),
        pytest.param(1 << 20_000, id="a number that Python can't print"),
    ],
)
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_size(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "seconds"), [("5s", 5), ("100ms", 0.1), ("2m", 120), ("1h", 3600), ("1.5 s", 1.5)]
)
def test_durations_are_seconds(value: object, seconds: float) -> None:
    assert parse_duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", [5, 1.5, True, "", "5", "s", "0s", "-1s", "5 parsecs", "99999999h"]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ManifestError):
        parse_duration(value)


@pytest.mark.parametrize("text", ["a", "a1", "my-app", "MY-APP", "a-B2"])
def test_component_ids_are_kebab_case(text: str) -> None:
    assert check_component_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", "a-", "a--b", "1a", "a-1", "aB", "a_b", "a b", "é", "a\n"]
)
def test_other_component_ids_are_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        check_component_id(text)
    assert check_component_id(kebab(text))


@pytest.mark.parametrize("text", ["", "_a", "a_", "a__b", "1a", "a_1", "A", "a-b", "a\n"])
def test_variable_names_are_lower_snake_case(text: str) -> None:
    assert check_variable_name("api_key2") == "api_key2"
    with pytest.raises(ManifestError):
        check_variable_name(text)


def test_the_nearest_name_ignores_case_and_separators() -> None:
    assert nearest("Key-Value-Store", ["key_value_stores", "source"]) == "key_value_stores"
    assert nearest("qqq", ["key_value_stores", "source"]) is None
