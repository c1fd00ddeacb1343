"""Topic filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import covers, matches

levels = st.sampled_from(["a", "b", "+"])
topics = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join)
filters = st.builds(
    lambda parts, tail: "/".join(parts + tail), st.lists(levels, min_size=1, max_size=4), st.sampled_from([[], ["#"]])
)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True), ("a/b", "a", False), ("a", "a/b", False), ("a/+", "a/b", True), ("a/+", "a/b/c", False),
        ("+/+", "a", False), ("a/#", "a/b/c", True), ("a/#", "a", True), ("#", "a/b", True), ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False), ("$SYS/#", "$SYS/x", True), ("a/+/c", "a//c", True), ("a/b", "a/B", False),
    ],
)  # fmt: skip
def test_a_filter_matches_as_the_standard_says(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("a/+", "a/#", False), ("a/#", "a/+", True), ("a/#", "a/#", True), ("+", "#", False), ("#", "#", True),
        ("a/+/c", "a/b/c", True), ("a/b/c", "a/+/c", False), ("a/#", "#", False), ("a/#", "a/b/#", True),
        ("a/b", "a/b/#", False), ("+/b", "a/b", True),
    ],
)  # fmt: skip
def test_a_filter_lies_within_another(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected


@given(wide=filters, narrow=filters, topic=topics)
def test_within_means_no_topic_escapes(wide: str, narrow: str, topic: str) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)
