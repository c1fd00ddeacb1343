"""The engine on real photographs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.embedders.fusion import FusedEmbedder
from models.embedders.mobilefacenet import MobileFaceNet
from models.embedders.registry import EMBEDDERS, make_embedder
from models.engine import FaceEngine
from models.face import Face
from models.store import ModelStore
from models.template import ModelMismatchError, Template

ONE_PERSON = ("wang", "wang-again", "wang-at-the-gate")


def only_face(engine: FaceEngine, image: np.ndarray) -> Face:
    faces = engine.detect(image)
    assert len(faces) == 1
    return faces[0]


@pytest.fixture(scope="module")
def templates(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> dict[str, Template]:
    return {name: engine.analyse(image)[0].template for name, image in pictures.items()}


def test_photographs_of_one_person_agree_and_those_of_others_do_not(
    engine: FaceEngine, templates: dict[str, Template]
) -> None:
    threshold = engine.threshold("verification")
    for one in ONE_PERSON:
        for other in ONE_PERSON:
            assert templates[one].similarity(templates[other]) > threshold + 0.05
        for stranger in ("stranger", "li"):
            assert templates[one].similarity(templates[stranger]) < threshold - 0.05


def test_a_face_is_described(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    image = pictures["wang"]
    face = only_face(engine, image)
    assert face.landmarks is not None
    assert face.landmarks.shape == (468, 3)
    assert face.keypoints.shape == (6, 2)
    right_eye, left_eye, nose, mouth, right_ear, left_ear = face.keypoints
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0]
    assert right_eye[1] < nose[1] < mouth[1]
    # Two networks that know nothing of each other place the eyes and the tip of the nose.
    assert np.abs(face.landmarks[[33, 133], :2].mean(axis=0) - right_eye).max() < 0.1 * face.inter_eye_distance
    assert np.abs(face.landmarks[1, :2] - nose).max() < 0.2 * face.inter_eye_distance
    assert face.box.left < right_eye[0] < left_eye[0] < face.box.right
    assert face.inter_eye_distance == pytest.approx(np.linalg.norm(left_eye - right_eye), rel=0.1)
    assert face.presence > 0.9


def test_several_faces_come_largest_first_and_keep_their_identity(
    engine: FaceEngine, pictures: dict[str, np.ndarray], templates: dict[str, Template]
) -> None:
    height = 400
    parts = []
    for name, size in (("stranger", 240), ("wang", 400)):
        face = only_face(engine, pictures[name])
        x, y = face.box.centre
        half = face.box.width
        left, top = max(int(x - half), 0), max(int(y - half), 0)
        part = pictures[name][top : int(y + half), left : int(x + half)]
        small = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
        parts.append(cv2.copyMakeBorder(small, 0, height - size, 0, 0, cv2.BORDER_CONSTANT))
    found = engine.analyse(np.hstack(parts))
    assert len(found) == 2
    assert found[0].face.box.area > found[1].face.box.area
    assert found[0].template.similarity(templates["wang"]) > 0.7
    assert found[1].template.similarity(templates["stranger"]) > 0.7


def test_a_batch_gives_what_single_faces_give(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    image = pictures["wang"]
    face = only_face(engine, image)
    for thorough in (False, True):
        alone = engine.embed(image, [face], thorough=thorough)
        many = engine.embed(image, [face] * 5, thorough=thorough)
        assert many.shape == (5, engine.dimension)
        assert many.dtype == np.float32
        np.testing.assert_allclose(many, np.repeat(alone, 5, axis=0), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)


def test_with_the_mirror_image_a_face_and_its_mirror_image_are_one(
    engine: FaceEngine, pictures: dict[str, np.ndarray]
) -> None:
    image = pictures["wang"]
    flipped = np.ascontiguousarray(image[:, ::-1])
    one = engine.analyse(image, thorough=True)[0].template
    other = engine.analyse(flipped, thorough=True)[0].template
    assert one.similarity(other) > 0.98


def test_no_face_gives_no_face_and_no_row(engine: FaceEngine) -> None:
    wall = np.full((480, 640, 3), 180, np.uint8)
    assert engine.detect(wall) == []
    assert engine.analyse(wall) == []
    assert engine.embed(wall, []).shape == (0, engine.dimension)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 5), (6000, 6000)])
def test_odd_sizes_are_searched_without_complaint(engine: FaceEngine, shape: tuple[int, int]) -> None:
    assert engine.detect(np.full((*shape, 3), 90, np.uint8)) == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.uint8), "shape"),
        (np.zeros((4, 4, 4), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
        (np.zeros((4, 4, 3), np.float32), "uint8"),
        ([[0, 0, 0]], "NumPy array"),
    ],
)
def test_what_is_no_image_is_refused_by_name(engine: FaceEngine, image: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.detect(image)  # type: ignore[arg-type]


def test_a_view_into_a_larger_array_is_an_image_too(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    image = pictures["wang"]
    view = np.dstack([image[..., ::-1], image[..., :1]])[..., 2::-1]
    assert not view.flags.c_contiguous
    np.testing.assert_array_equal(only_face(engine, view).landmarks, only_face(engine, image).landmarks)


def test_threads_may_share_one_engine(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    names = list(pictures)
    expected = {name: engine.analyse(pictures[name])[0].template.vector for name in names}
    with ThreadPoolExecutor(4) as pool:
        jobs = [(name, pool.submit(engine.analyse, pictures[name])) for name in names * 4]
        for name, job in jobs:
            np.testing.assert_allclose(job.result()[0].template.vector, expected[name], atol=1e-5)


def test_a_face_is_found_from_afar_and_from_close_by(
    engine: FaceEngine, pictures: dict[str, np.ndarray], templates: dict[str, Template]
) -> None:
    """From 50 pixels of face in a frame of 640 × 480 to a face larger than the frame's height allows."""
    image = pictures["wang"]
    box = only_face(engine, image).box
    for width in (50, 100, 200, 300):
        scale = width / box.width
        small = cv2.resize(
            image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        shift = np.array([[1, 0, 320 - box.centre[0] * scale], [0, 1, 240 - box.centre[1] * scale]])
        frame = cv2.warpAffine(small, shift, (640, 480))
        found = engine.analyse(frame)
        assert len(found) == 1, width
        assert found[0].template.similarity(templates["wang"]) > engine.threshold("verification"), width


def test_hints_tell_a_blurred_and_a_dark_face(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    image = pictures["wang"]
    face = only_face(engine, image)
    blurred = only_face(engine, cv2.GaussianBlur(image, (0, 0), face.inter_eye_distance / 12))
    dark = only_face(engine, (image * 0.15).astype(np.uint8))
    bright = only_face(engine, np.clip(image.astype(np.int16) + 110, 0, 255).astype(np.uint8))
    assert blurred.sharpness < face.sharpness / 3
    assert dark.brightness < 60 < face.brightness
    assert dark.underexposed > 0.5 > face.underexposed
    assert bright.overexposed > 0.1 > face.overexposed
    # A dim picture of the same face is no less sharp.
    assert dark.sharpness > face.sharpness / 3


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_every_embedder_recognises(model_store: ModelStore, pictures: dict[str, np.ndarray], name: str) -> None:
    engine = FaceEngine(model_store, embedder=name, threads=1)
    one, again, stranger = (
        engine.analyse(pictures[who], thorough=True)[0].template for who in ("wang", "wang-again", "stranger")
    )
    assert one.vector.shape == (engine.dimension,)
    assert one.model_id == engine.model_id
    assert one.similarity(again) > engine.threshold("verification") > one.similarity(stranger)


def test_an_unknown_embedder_is_refused_with_the_known_ones(model_store: ModelStore) -> None:
    with pytest.raises(ValueError, match="mobilefacenet"):
        FaceEngine(model_store, embedder="facenet")


def test_templates_of_two_embedders_never_meet(
    model_store: ModelStore, engine: FaceEngine, pictures: dict[str, np.ndarray], templates: dict[str, Template]
) -> None:
    other = FaceEngine(model_store, embedder="dlib-resnet", threads=1).analyse(pictures["wang"])[0].template
    with pytest.raises(ModelMismatchError):
        templates["wang"].similarity(other)


def test_a_tilted_head_is_straightened(
    engine: FaceEngine, pictures: dict[str, np.ndarray], templates: dict[str, Template]
) -> None:
    """By 30° either way."""
    image = pictures["wang"]
    height, width = image.shape[:2]
    for angle in (-30, 30):
        turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), (width, height))
        assert engine.analyse(turned)[0].template.similarity(templates["wang"]) > 0.7


def test_the_research_photographs_hold_the_faces_they_are_named_after(
    engine: FaceEngine, lfw_photos: list[Path]
) -> None:
    missed = [path.name for path in lfw_photos if not engine.detect(cv2.imread(str(path))[..., ::-1])]
    assert not missed


@pytest.mark.parametrize(("name", "weights"), [("mobilefacenet+sface", (1, 3)), ("mobilefacenet+dlib-resnet", (3, 2))])
def test_the_similarity_of_two_networks_is_the_weighted_mean_of_theirs(
    model_store: ModelStore,
    engine: FaceEngine,
    pictures: dict[str, np.ndarray],
    name: str,
    weights: tuple[int, int],
) -> None:
    faces = {who: engine.detect(pictures[who]) for who in ("wang", "stranger")}

    def similarity(embedder: str) -> float:
        loaded = FaceEngine(model_store, embedder=embedder, threads=1)
        one, other = (loaded.embed(pictures[who], found)[0] for who, found in faces.items())
        return float(one @ other)

    parts = [similarity(part) for part in name.split("+")]
    assert similarity(name) == pytest.approx(np.average(parts, weights=weights), abs=1e-5)


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_an_embedder_is_known_without_loading_it(model_store: ModelStore, name: str) -> None:
    loaded = make_embedder(model_store, name, threads=2)
    assert (loaded.model_id, loaded.dimension) == (EMBEDDERS[name].model_id, EMBEDDERS[name].dimension)


def test_two_networks_need_weights_that_add_up(model_store: ModelStore) -> None:
    parts = [make_embedder(model_store, name, threads=1) for name in ("mobilefacenet", "sface")]
    for weights in ((1.0,), (0.5, 0.6)):
        with pytest.raises(ValueError, match="add up to 1"):
            FusedEmbedder(parts, weights)


def test_quick_and_thorough_vectors_of_a_face_are_comparable(
    engine: FaceEngine, pictures: dict[str, np.ndarray]
) -> None:
    image = pictures["wang"]
    faces = engine.detect(image)
    quick, thorough = (engine.embed(image, faces, thorough=thorough)[0] for thorough in (False, True))
    assert 0.95 < quick @ thorough < 0.9999


def test_beside_sface_a_thorough_vector_takes_in_the_face_and_its_mirror_image_only(
    engine: FaceEngine, model_store: ModelStore, pictures: dict[str, np.ndarray]
) -> None:
    image = pictures["wang"]
    meshes = [mesh for face in engine.detect(image) if (mesh := face.landmarks) is not None]
    fused = make_embedder(model_store, "mobilefacenet+sface", threads=1).embed(image, meshes, thorough=True)
    in_sizes, in_one = (
        MobileFaceNet(model_store.path("mobilefacenet"), threads=1, in_thorough_views=further).embed(
            image, meshes, thorough=True
        )
        for further in (True, False)
    )
    np.testing.assert_allclose(fused[:, : MobileFaceNet.dimension], in_one * np.float32(0.5), atol=1e-5)
    assert 0.98 < in_sizes[0] @ in_one[0] < 0.99999
