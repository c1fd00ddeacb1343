import itertools
import threading
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from edge.camera import (
    CameraAddressError,
    CameraLostError,
    CaptureCamera,
    Feed,
    FeedStatus,
    FileCamera,
    FolderCamera,
    FrameSlot,
    ReconnectPolicy,
    SyntheticCamera,
    open_camera,
)
from edge.camera.port import Frame
from edge.camera.shown import without_credentials

PICTURES = 8
QUICK = ReconnectPolicy(first=0.01, longest=0.05)


def take(camera, count: int, stop: Event | None = None) -> list[Frame]:
    frames = camera.frames(stop or Event())
    taken = list(itertools.islice(frames, count))
    frames.close()
    return taken


def test_every_camera_gives_rgb_pictures_with_their_times_and_numbers(camera) -> None:
    frames = take(camera.camera, PICTURES)
    assert len(frames) == PICTURES
    for frame in frames:
        assert (frame.image.dtype, frame.image.shape) == (np.uint8, (120, 160, 3))
        # The pictures are red at the edge: a mix-up of the channels would show blue.
        assert frame.image[..., 0].mean() > 40
        assert frame.image[:30, :, 2].mean() < 30
    assert [frame.sequence for frame in frames] == list(range(frames[0].sequence, frames[0].sequence + PICTURES))
    assert all(earlier.arrived <= later.arrived for earlier, later in itertools.pairwise(frames))


def test_every_camera_stops_when_told(camera) -> None:
    stop = Event()
    frames = camera.camera.frames(stop)
    next(frames)
    stop.set()
    assert len(list(frames)) <= 1


def test_every_camera_can_be_asked_again(camera) -> None:
    first = take(camera.camera, 2)
    again = take(camera.camera, 2)
    assert [frame.sequence for frame in first + again] == [0, 1, 2, 3]


def test_a_recording_ends_and_a_stream_does_not(camera) -> None:
    if camera.camera.live:
        assert len(take(camera.camera, 3 * PICTURES)) == 3 * PICTURES
    else:
        assert len(take(camera.camera, 3 * PICTURES)) == PICTURES


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: FileCamera(folder / "missing.avi"),
        lambda folder: FileCamera(folder / "text.avi"),
        lambda folder: FolderCamera(folder / "missing"),
        lambda folder: FolderCamera(folder / "empty"),
        lambda folder: FolderCamera(folder / "broken"),
        lambda _: CaptureCamera("/dev/video99"),
        lambda _: CaptureCamera("rtsp://127.0.0.1:1/none"),
    ],
)
def test_a_camera_that_is_not_there_says_so(make, tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no video")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"\x89PNG cut off")
    with pytest.raises(CameraLostError):
        take(make(tmp_path), 1)


def test_a_file_is_played_in_its_own_time(tmp_path: Path, clock) -> None:
    waited = []

    class Clockwork(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            clock.move(timeout or 0.0)
            return False

    pictures = [np.full((8, 8, 3), index, np.uint8) for index in range(5)]
    frames = list(SyntheticCamera(pictures, rate=10, clock=clock).frames(Clockwork()))
    assert [round(frame.arrived - frames[0].arrived, 6) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert len(waited) == 5


@pytest.mark.parametrize("address", ["nowhere", "", "ftp://camera/stream"])
def test_an_address_that_names_no_camera_is_refused_with_the_forms_there_are(address: str) -> None:
    with pytest.raises(CameraAddressError, match="rtsp://"):
        open_camera(address)


def test_addresses_name_their_kind_of_camera(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    assert isinstance(open_camera(str(tmp_path)), FolderCamera)
    assert isinstance(open_camera(str(tmp_path / "film.mp4")), FileCamera)
    assert isinstance(open_camera("/dev/video0"), CaptureCamera)
    assert isinstance(open_camera("RTSP://10.0.0.1/stream"), CaptureCamera)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:p@ss@10.0.0.1/main", "rtsp://10.0.0.1"),
        ("rtsp://user:secret@10.0.0.1:554/secret", "rtsp://10.0.0.1:554"),
        ("http://10.0.0.1/cgi?user=admin&pwd=secret", "http://10.0.0.1"),
        ("http://10.0.0.1?pwd=secret", "http://10.0.0.1"),
        ("rtsp://10.0.0.1/user=admin_password=secret_channel=1.sdp", "rtsp://10.0.0.1"),
        ("rtsp://10.0.0.1:554/live/secret#secret", "rtsp://10.0.0.1:554"),
        ("rtsp://[fe80::1]:554/secret", "rtsp://[fe80::1]:554"),
        ("rtsp://admin:se/cret@10.0.0.1/main", "rtsp://…"),
        ("rtsp://admin:12/secret@10.0.0.1/main", "rtsp://…"),
        ("rtsp://admin:secret", "rtsp://…"),
        ("rtsp:/admin:secret@10.0.0.1", "…"),
        ("admin:secret@10.0.0.1/main", "…"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_of_an_address_only_scheme_host_and_port_are_shown(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


@pytest.mark.parametrize("path", ["none", "user=admin_password=secret.sdp", "live?user=admin&password=secret"])
def test_a_camera_s_password_is_never_shown(path: str, capfd: pytest.CaptureFixture[str], until) -> None:
    feed = Feed(CaptureCamera(f"rtsp://user:secret@127.0.0.1:1/{path}"), reconnect=QUICK)
    feed.start()
    until(lambda: feed.report().losses >= 1)
    report = feed.report()
    feed.stop()
    assert "rtsp://127.0.0.1:1" in (report.error or "")
    told = capfd.readouterr()
    assert "camera_lost" in told.out + told.err
    assert "secret" not in f"{report} {told.out} {told.err}"


def test_an_address_that_is_mistyped_is_refused_without_its_password() -> None:
    with pytest.raises(CameraAddressError) as caught:
        open_camera("rtps://admin:secret@10.0.0.1/main?password=secret")
    assert "secret" not in str(caught.value)


def test_what_a_driver_says_is_not_repeated(capfd: pytest.CaptureFixture[str], until) -> None:
    class Broken:
        live = True

        def frames(self, _stop):
            raise RuntimeError("cannot open rtsp://admin:secret@10.0.0.1")

    feed = Feed(Broken(), reconnect=QUICK)
    feed.start()
    until(lambda: feed.report().losses >= 1)
    feed.stop()
    told = capfd.readouterr()
    assert feed.report().error is None or "secret" not in feed.report().error
    assert "camera_failed" in told.out + told.err
    assert "secret" not in told.out + told.err


def frame(number: int, clock) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), clock.monotonic(), number)


def test_the_slot_keeps_only_the_newest_frame(clock) -> None:
    slot = FrameSlot()
    for number in range(100):
        slot.put(frame(number, clock))
    assert slot.take(0).sequence == 99
    assert slot.take(0) is None
    assert slot.passed_over == 99


def test_closing_the_slot_wakes_its_reader(clock) -> None:
    slot = FrameSlot()
    taken = []
    reader = threading.Thread(target=lambda: taken.append(slot.take(60)))
    reader.start()
    slot.close()
    reader.join(5)
    assert taken == [None]


def drain(feed: Feed) -> list[Frame]:
    frames = []
    while (newest := feed.take_newest(0.2)) is not None or feed.report().status is not FeedStatus.ENDED:
        if newest is not None:
            frames.append(newest)
    return frames


def test_a_recording_ends_the_feed_and_its_last_frame_is_seen(until) -> None:
    feed = Feed(SyntheticCamera([np.full((4, 4, 3), index, np.uint8) for index in range(20)]))
    feed.start()
    frames = drain(feed)
    report = feed.report()
    assert frames[-1].sequence == 19
    assert (report.status, report.frames) == (FeedStatus.ENDED, 20)
    assert report.passed_over == 20 - len(frames)
    feed.stop()


class Flickering:
    """A live camera that breaks after each picture, and in between is not there at all."""

    live = True

    def __init__(self) -> None:
        self.calls = 0

    def frames(self, stop: Event):
        self.calls += 1
        if self.calls % 3 == 0:
            raise CameraLostError("unplugged")
        if self.calls % 3 == 1:
            yield from SyntheticCamera([np.zeros((2, 2, 3), np.uint8)]).frames(stop)
            return
        raise RuntimeError("a driver's fault")


def test_a_live_camera_that_breaks_is_tried_again_for_ever(until) -> None:
    camera = Flickering()
    feed = Feed(camera, reconnect=QUICK)
    feed.start()
    until(lambda: feed.report().frames >= 3)
    feed.stop()
    assert feed.report().losses >= 6
    assert camera.calls >= 7


def test_a_stream_that_is_cut_is_reported_lost_and_comes_back(mjpeg, until) -> None:
    feed = Feed(CaptureCamera(mjpeg.url), reconnect=QUICK)
    feed.start()
    until(lambda: feed.report().status is FeedStatus.RUNNING)
    mjpeg.dark = True
    mjpeg.cut()
    until(lambda: feed.report().status is FeedStatus.LOST)
    assert "secret" not in (feed.report().error or "")
    before = feed.report().frames
    mjpeg.dark = False
    until(lambda: feed.report().status is FeedStatus.RUNNING and feed.report().frames > before)
    assert feed.report().losses >= 1
    feed.stop()


def test_after_a_pause_a_stream_is_opened_anew_for_it_kept_what_was_seen_meanwhile(mjpeg, clock) -> None:
    frames = CaptureCamera(mjpeg.url, clock=clock).frames(Event())
    first = [next(frames) for _ in range(3)]
    assert mjpeg.connections == 1
    clock.move(60)
    after = [next(frames) for _ in range(3)]
    frames.close()
    assert mjpeg.connections == 2
    assert [frame.sequence for frame in first + after] == list(range(6))
