"""One licence, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.licences import licence_of


@pytest.mark.parametrize(
    "text",
    [
        "CC BY-NC-SA 4.0",
        "cc-by-nc-sa-4.0",
        "CC_BY_NC_SA 4.0",
        "//creativecommons.org/licenses/by-nc-sa/4.0/",
        "https://creativecommons.org/licenses/by-nc-sa/4.0/deed.en",
        "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International",
        "Attribution Non-Commercial Share Alike 4.0",
        " CC  BY-SA-NC  4.0 ",
    ],
)
def test_all_spellings_are_one_licence_with_its_address(text: str) -> None:
    licence = licence_of(text)
    assert (licence.name, licence.family) == ("CC BY-NC-SA 4.0", "CC BY-NC-SA")
    assert licence.url == "https://creativecommons.org/licenses/by-nc-sa/4.0/"


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        (
            "//creativecommons.org/licenses/by/3.0/de/",
            "CC BY 3.0 DE",
            "https://creativecommons.org/licenses/by/3.0/de/",
        ),
        ("CC BY 3.0 DE", "CC BY 3.0 DE", "https://creativecommons.org/licenses/by/3.0/de/"),
        ("CC0", "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("CC Zero 1.0", "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        (
            "//creativecommons.org/publicdomain/mark/1.0/",
            "Public Domain Mark 1.0",
            "https://creativecommons.org/publicdomain/mark/1.0/",
        ),
        ("CC BY", "CC BY", ""),
        ("http://example.org/terms", "http://example.org/terms", "http://example.org/terms"),
        ("ask me by mail", "ask me by mail", ""),
        ("", "", ""),
    ],
)
def test_other_licences_keep_their_name(text: str, name: str, url: str) -> None:
    assert (licence_of(text).name, licence_of(text).url) == (name, url)


def test_a_family_covers_its_versions_and_no_other_family() -> None:
    assert licence_of("cc by").covers(licence_of("//creativecommons.org/licenses/by/2.5/"))
    assert not licence_of("cc by").covers(licence_of("CC BY-NC 4.0"))
    assert not licence_of("CC BY 4.0").covers(licence_of("CC BY 3.0"))
    assert licence_of("all rights RESERVED").covers(licence_of("All rights reserved"))


def test_only_licences_that_say_so_forbid_derivatives() -> None:
    assert licence_of("//creativecommons.org/licenses/by-nc-nd/4.0/").no_derivatives
    assert licence_of("Creative Commons Attribution-NoDerivs 2.5").no_derivatives
    assert not licence_of("CC BY 4.0, Andalusia").no_derivatives


@given(st.text(max_size=80))
def test_any_text_is_a_licence_of_some_name(text: str) -> None:
    assert licence_of(licence_of(text).name) == licence_of(licence_of(licence_of(text).name).name)
