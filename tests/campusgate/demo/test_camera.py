import threading

import cv2
import numpy as np
import pytest

from campusgate.demo.camera import FilmCamera, develop
from campusgate.demo.scenes import HEIGHT, WIDTH, Walk, Walker, corridor, walk_up

RED = np.zeros((300, 200, 3), np.uint8)
RED[..., 0] = 220


def red_pixels(frame: np.ndarray) -> int:
    return int(((frame[..., 0] > 120) & (frame[..., 1] < 90)).sum())


def test_somebody_walks_up_and_leaves() -> None:
    walk = Walk(approach_s=1, wait_s=0.2, leave_s=0.5)
    seen = [red_pixels(frame) for frame in walk_up(Walker(RED, (50, 50, 100, 120)), walk)]
    assert len(seen) == 34
    assert seen[0] < seen[10] < seen[20]
    assert seen[-1] < seen[20] / 2


def test_frames_are_what_a_camera_gives() -> None:
    frame = next(iter(walk_up(Walker(RED, (50, 50, 100, 120)))))
    assert frame.shape == corridor().shape == (HEIGHT, WIDTH, 3)
    assert frame.dtype == np.uint8


@pytest.mark.timeout(60)
def test_opencv_reads_the_film_as_it_reads_any_network_camera() -> None:
    with FilmCamera() as camera:
        capture = cv2.VideoCapture(camera.url)
        assert capture.isOpened()
        film = develop([np.full((HEIGHT, WIDTH, 3), (0, 200, 0), np.uint8)] * 10)
        player = threading.Thread(target=camera.play, args=(film,))
        player.start()
        colours = [capture.read()[1][240, 320] for _ in range(30)]
        player.join(30)
        capture.release()
    assert not player.is_alive()
    green = [bgr for bgr in colours if bgr[1] > 150 and bgr[2] < 60]
    assert 5 <= len(green) <= 12


def test_an_idle_camera_never_sends_the_same_picture_twice_in_a_row() -> None:
    with FilmCamera() as camera:
        capture = cv2.VideoCapture(camera.url)
        first, second = capture.read()[1], capture.read()[1]
        capture.release()
    assert (first != second).any()
