"""Templates: bytes and back, and that two models' never meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.template import ModelMismatchError, Template, TemplateError, mean_template

names = st.text(min_size=1, max_size=60)


def direction(seed: int, dimension: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@given(names, st.integers(0, 10_000), st.integers(1, 1024))
def test_bytes_lead_back_to_the_template(name: str, seed: int, dimension: int) -> None:
    template = Template(name, direction(seed, dimension))
    data = template.to_bytes()
    again = Template.from_bytes(data)
    assert again.model_id == name
    assert again.similarity(template) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(again.vector) == pytest.approx(1, abs=1e-6)
    assert len(data) <= 7 + 2 * dimension + len(name.encode())


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TemplateError):
        Template.from_bytes(data)


@given(st.data())
def test_a_template_cut_short_or_prolonged_is_refused(data: st.DataObject) -> None:
    whole = Template("model-1", direction(1, 16)).to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(TemplateError):
            Template.from_bytes(wrong)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_similarity_is_the_cosine_and_symmetric(one: int, other: int) -> None:
    a, b = Template("m", direction(one, 64)), Template("m", direction(other, 64))
    assert a.similarity(b) == pytest.approx(b.similarity(a))
    assert -1 <= a.similarity(b) <= 1
    assert a.similarity(a) == pytest.approx(1, abs=1e-6)


def test_models_never_meet() -> None:
    a = Template("mobilefacenet-1", direction(1, 64))
    for other in (Template("mobilefacenet-2", direction(1, 64)), Template("mobilefacenet-1", direction(1, 32))):
        with pytest.raises(ModelMismatchError, match="cannot be compared"):
            a.similarity(other)


@pytest.mark.parametrize(
    "vector",
    [np.zeros(8), np.ones(8), np.full(8, np.nan), np.zeros(0), np.eye(2), np.float32(1)],
    ids=["zero", "not unit", "nan", "empty", "matrix", "scalar"],
)
def test_what_is_no_direction_is_no_template(vector: np.ndarray) -> None:
    with pytest.raises(TemplateError):
        Template("m", vector)


def test_a_template_needs_the_name_of_its_model() -> None:
    for name in ("", "x" * 256):
        with pytest.raises(TemplateError, match="model id"):
            Template(name, direction(1, 8))


def test_a_template_does_not_change_with_the_array_it_was_made_from() -> None:
    vector = direction(1, 8)
    template = Template("m", vector)
    before = template.vector.copy()
    vector[:] = 0
    np.testing.assert_array_equal(template.vector, before)
    with pytest.raises(ValueError, match="read-only"):
        template.vector[0] = 1


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=3, unique=True))
def test_a_mean_is_of_length_one_whatever_the_order_and_no_further_from_anybody(seeds: list[int]) -> None:
    found = [Template("m", direction(seed, 64)) for seed in seeds]
    mean = mean_template(found)
    assert np.linalg.norm(mean.vector) == pytest.approx(1, abs=1e-6)
    assert mean.similarity(mean_template(found[::-1])) == pytest.approx(1, abs=1e-6)
    similarities = [mean.similarity(one) for one in found]
    assert min(similarities) >= min(a.similarity(b) for a in found for b in found) - 1e-6


def test_the_mean_of_one_is_itself_and_of_different_models_or_opposites_never_made() -> None:
    one = Template("m", direction(1, 64))
    assert mean_template([one]) is one
    with pytest.raises(ModelMismatchError):
        mean_template([one, Template("other", direction(1, 64))])
    with pytest.raises(ModelMismatchError):
        mean_template([one, Template("m", direction(1, 32))])
    with pytest.raises(TemplateError, match="cancel"):
        mean_template([one, Template("m", -one.vector)])
    with pytest.raises(TemplateError, match="at least one"):
        mean_template([])
