"""Fetching from a mirror and from an upstream that breaks off, lies, or is gone."""

import hashlib
import io
import os
import resource
import signal
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from models.sources import Fetcher, SourceError

CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()

Fetch = Callable[..., str]


@pytest.fixture
def fetch(client: httpx.Client, tmp_path: Path) -> Fetch:
    """Fetches into `tmp_path / "out" / "model"`, keeping broken downloads between calls."""

    def run(*sources: str, sha256: str | None = DIGEST, mirror: Path | None = None, progress=None) -> str:
        with Fetcher(mirror=mirror, partial=tmp_path / "partial", client=client) as fetcher:
            options = {} if progress is None else {"progress": progress}
            return fetcher.fetch(sources, sha256, tmp_path / "out" / "model", **options)

    return run


def left(tmp_path: Path) -> list[str]:
    """Return the names of what lies at the destination, hidden files included."""
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_a_file_arrives_whole(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    assert fetch(f"{upstream.address}/model") == f"{upstream.address}/model"
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT
    assert left(tmp_path) == ["model"]
    assert list((tmp_path / "partial").iterdir()) == []


def test_progress_tells_bytes_of_total(fetch: Fetch, upstream) -> None:
    upstream.files["/model"] = CONTENT
    told = []
    fetch(f"{upstream.address}/model", progress=lambda stage, done=0, total=None: told.append((stage, done, total)))
    assert told[-1] == ("downloading", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_connection_that_breaks_is_resumed_at_once(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    upstream.break_off_after = [100_000, 50_000]
    fetch(f"{upstream.address}/model")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT
    assert upstream.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_download_that_was_given_up_is_resumed_later(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    upstream.break_off_after = [90_000, 0, 0]
    with pytest.raises(SourceError, match=r"connection|closed|complete|body"):
        fetch(f"{upstream.address}/model")
    assert left(tmp_path) == []

    fetch(f"{upstream.address}/model")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT
    assert upstream.ranges[-1] == "bytes=90000-"


def test_a_member_of_an_archive_is_taken_out_of_a_resumed_download(fetch: Fetch, upstream, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model.onnx", CONTENT)
    upstream.files["/pack.zip"] = packed.getvalue()
    upstream.break_off_after = [100_000]
    fetch(f"{upstream.address}/pack.zip!model.onnx")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT
    assert list((tmp_path / "partial").iterdir()) == []

    with pytest.raises(SourceError, match=r"pack\.zip\.part has no other\.onnx"):
        fetch(f"{upstream.address}/pack.zip!other.onnx")
    assert list((tmp_path / "partial").iterdir()) == []


def test_an_upstream_without_ranges_starts_anew(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    upstream.understands_ranges = False
    upstream.break_off_after = [100_000]
    fetch(f"{upstream.address}/model")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT


def test_a_file_that_changed_while_broken_off_is_fetched_again(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = b"an older release" * 30_000
    upstream.break_off_after = [100_000, 0, 0]
    with pytest.raises(SourceError):
        fetch(f"{upstream.address}/model")
    upstream.files["/model"] = CONTENT
    with pytest.raises(SourceError, match="its SHA-256 is"):
        fetch(f"{upstream.address}/model")
    assert left(tmp_path) == []

    fetch(f"{upstream.address}/model")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT


def test_without_a_digest_nothing_is_resumed(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    upstream.break_off_after = [100_000]
    with pytest.raises(SourceError):
        fetch(f"{upstream.address}/model", sha256=None)
    fetch(f"{upstream.address}/model", sha256=None)
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT
    assert upstream.ranges == [None, None]


def test_wrong_bytes_leave_nothing_and_the_next_source_is_asked(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files |= {"/bad": b"<html>Please sign in</html>", "/good": CONTENT}
    assert fetch(f"{upstream.address}/bad", f"{upstream.address}/good").endswith("/good")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT


def test_the_message_names_every_source_and_its_reason(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/wrong"] = b"other bytes"
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "wrong").write_bytes(b"rotten")
    with pytest.raises(SourceError) as caught:
        fetch(f"{upstream.address}/gone", f"{upstream.address}/wrong", "https://localhost:1/closed", mirror=mirror)
    lines = str(caught.value).splitlines()
    assert len(lines) == 7
    for line, place, reason in (
        (lines[1], "mirror", "no such file"),
        (lines[2], "mirror", "SHA-256"),
        (lines[3], "mirror", "no such file"),
        (lines[4], f"{upstream.address}/gone", "404"),
        (lines[5], f"{upstream.address}/wrong", f"not {DIGEST}"),
        (lines[6], "https://localhost:1/closed", "refused"),
    ):
        assert place in line
        assert reason in line
    assert left(tmp_path) == []


def test_the_mirror_is_asked_first(fetch: Fetch, upstream, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "model").write_bytes(CONTENT)
    assert fetch(f"{upstream.address}/path/model", mirror=mirror) == "mirror:model"
    assert upstream.ranges == []


def test_a_redirect_to_an_unprotected_address_is_refused(fetch: Fetch, upstream) -> None:
    upstream.redirects["/model"] = "http://localhost:1/model"
    with pytest.raises(SourceError):
        fetch(f"{upstream.address}/model")


def test_a_redirect_is_followed(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.redirects["/model"] = f"{upstream.address}/moved"
    upstream.files["/moved"] = CONTENT
    fetch(f"{upstream.address}/model")
    assert (tmp_path / "out" / "model").read_bytes() == CONTENT


def test_an_untrusted_certificate_is_refused(upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    with Fetcher() as fetcher, pytest.raises(SourceError, match=r"(?i)certificate"):
        fetcher.fetch([f"{upstream.address}/model"], DIGEST, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let writes beyond `size` bytes fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


def test_a_full_disk_leaves_what_was_there_before(fetch: Fetch, upstream, tmp_path: Path) -> None:
    upstream.files["/model"] = CONTENT
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").write_bytes(b"before")
    with files_no_larger_than(150_000), pytest.raises(OSError, match="File too large"):
        fetch(f"{upstream.address}/model")
    assert left(tmp_path) == ["model"]
    assert (tmp_path / "out" / "model").read_bytes() == b"before"


def test_a_full_disk_while_copying_from_the_mirror_leaves_nothing(fetch: Fetch, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "model").write_bytes(CONTENT)
    with files_no_larger_than(150_000), pytest.raises(OSError, match="File too large"):
        fetch("https://localhost:1/model", mirror=mirror)
    assert left(tmp_path) == []
