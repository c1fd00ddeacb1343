"""Picture files opened by their headers: how large they are, what decoding them takes, and their pixels in strips.

A decoded picture of 50 megapixels fits into memory once, and not once more for each conversion. So what has to be done
to every pixel is done strip by strip, and a strip is reduced before the next one is looked at.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pillow_heif
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from enrollment import jpeg_file

_BYTES_IN_PNG = {"1": 1, "P": 1, "L": 1, "I;16": 2, "I;16B": 2}
"""What Pillow keeps of a pixel; every other mode takes four bytes."""
_BYTES_IN_WEBP = 17
"""Measured with libwebp 1.6: its animation decoder, which Pillow uses for single pictures too, holds two canvases."""
_BYTES_IN_HEIF = 5.0
"""Measured with libheif 1.23 for 4:2:0 at 8 bits; then the factors for what takes more."""
_FULL_COLOUR, _ALPHA, _DEEP = 2.0, 1.5, 1.7
_STRIP_PIXELS = 2_000_000

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


class PictureFile(Protocol):
    """A picture file of which only the header was read."""

    @property
    def format(self) -> str:
        """JPEG, PNG, WEBP or HEIF."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored; of a decoded file those of what was decoded."""

    @property
    def info(self) -> Mapping[str, Any]:
        """Metadata under the names that Pillow gives them; some formats have all of it only once decoded."""

    @property
    def is_turned_when_decoded(self) -> bool:
        """Whether the decoder applies the orientation itself."""

    @property
    def quantization(self) -> Mapping[int, list[int]] | None:
        """A JPEG's tables."""

    @property
    def bytes_to_decode(self) -> int:
        """About how much memory `decode` takes."""

    def decode(self) -> None:
        """Decode the pixels."""

    def whole(self) -> Image.Image:
        """Return what was decoded, which is not copied where the decoder allows it."""

    def strips(self, multiple: int) -> Iterator[Image.Image]:
        """Yield what was decoded in strips from top to bottom, their heights a `multiple` but for the last one's."""


class NotAPictureError(Exception):
    """The bytes are no picture of a kind that is taken."""


def open_picture(content: bytes, side: int) -> PictureFile:
    """Read the header of a JPEG, PNG, WebP or HEIC file.

    A JPEG will be reduced while it is decoded, to the smallest size for nothing whose longer side is at least `side`.

    Raises:
        NotAPictureError: it is none of these.
        Exception: decoders raise whatever they like on bad bytes.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return _open_jpeg(content, side)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _WebpFile(content)
    return _PngFile(content) if content.startswith(b"\x89PNG") else _HeifFile(content)


def _open_jpeg(content: bytes, side: int) -> PictureFile:
    try:
        return _JpegFile(content, content, side)
    except Exception:  # noqa: BLE001 - a decoder that stumbles over metadata says the same as over a broken picture
        return _JpegFile(jpeg_file.strip_metadata(content), content, side)


class _PillowFile:
    """What the formats that Pillow reads have in common."""

    is_turned_when_decoded = False
    quantization: Mapping[int, list[int]] | None = None

    def __init__(self, picture: ImageFile.ImageFile) -> None:
        self._picture = picture

    @property
    def size(self) -> tuple[int, int]:
        return self._picture.size

    @property
    def info(self) -> Mapping[str, Any]:
        return {str(name): value for name, value in self._picture.info.items()}

    def decode(self) -> None:
        self._picture.load()

    def whole(self) -> Image.Image:
        return self._picture

    def strips(self, multiple: int) -> Iterator[Image.Image]:
        width, height = self.size
        for top, bottom in _split_rows(width, height, multiple):
            yield self._picture.crop((0, top, width, bottom))


class _JpegFile(_PillowFile):
    format = "JPEG"

    def __init__(self, content: bytes, original: bytes, side: int) -> None:
        """Take what is decoded, and the file as it came, which holds the metadata."""
        # Not Pillow's choice between JPEG and MPO: the first of several pictures counts, a wrong index is no matter.
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(content))
        super().__init__(picture)
        self._size, self._bytes, self._side = picture.size, len(original), side
        self.quantization = picture.quantization
        self._info: Mapping[str, Any] = {**jpeg_file.read_metadata(original), **super().info}
        self._needs_all_coefficients = "progressive" in picture.info or not jpeg_file.is_in_one_scan(
            content, picture.layers
        )

    @property
    def info(self) -> Mapping[str, Any]:
        return self._info

    @property
    def bytes_to_decode(self) -> int:
        width, height = self._size
        shrink = _find_free_reduction(max(width, height), self._side)
        decoded = 4 * (width // shrink + 1) * (height // shrink + 1)
        return self._bytes + decoded + (self._coefficients() if self._needs_all_coefficients else 0)

    def _coefficients(self) -> int:
        """Return the bytes of all coefficients, two for each sample; a picture in several scans is kept as these."""
        layers: list[tuple[int, int, int, int]] = self._picture.layer  # type: ignore[attr-defined] # as Pillow's encoder reads it
        samples = sum(across * down for _, across, down, _ in layers)
        most = max(across for _, across, _, _ in layers) * max(down for _, _, down, _ in layers)
        return round(2 * self._size[0] * self._size[1] * samples / max(most, 1))

    def decode(self) -> None:
        width, height = self._size
        scale = self._side / max(width, height)
        if scale < 1:
            self._picture.draft(None, (round(width * scale), round(height * scale)))
        self._picture.load()


class _PngFile(_PillowFile):
    format = "PNG"

    def __init__(self, content: bytes) -> None:
        super().__init__(PngImagePlugin.PngImageFile(io.BytesIO(content)))
        self._bytes = len(content)

    @property
    def bytes_to_decode(self) -> int:
        width, height = self.size
        return self._bytes + width * height * _BYTES_IN_PNG.get(self._picture.mode, 4)


class _WebpFile:
    """A WebP file; Pillow allocates the canvas when it opens one, so the header is read here."""

    format = "WEBP"
    is_turned_when_decoded = False
    quantization = None

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._size = _read_webp_size(content)
        self._opened: _PillowFile | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def info(self) -> Mapping[str, Any]:
        return self._opened.info if self._opened else {}

    @property
    def bytes_to_decode(self) -> int:
        return len(self._content) + _BYTES_IN_WEBP * self._size[0] * self._size[1]

    def decode(self) -> None:
        picture = WebPImagePlugin.WebPImageFile(io.BytesIO(self._content))
        if picture.size != self._size:
            raise ValueError("the canvas differs from what the header says")
        self._opened = _PillowFile(picture)
        self._opened.decode()

    def whole(self) -> Image.Image:
        return self._require_decoded().whole()

    def strips(self, multiple: int) -> Iterator[Image.Image]:
        return self._require_decoded().strips(multiple)

    def _require_decoded(self) -> _PillowFile:
        if self._opened is None:
            raise RuntimeError("decode it first")
        return self._opened


class _HeifFile:
    """An HEIC file, read past Pillow, which would hold its pixels twice."""

    format = "HEIF"
    is_turned_when_decoded = True
    quantization = None

    def __init__(self, content: bytes) -> None:
        if content[4:8] != b"ftyp" or "avif" in (kind := pillow_heif.get_file_mimetype(content)) or not kind:
            raise NotAPictureError
        opened = pillow_heif.open_heif(content, convert_hdr_to_8bit=True, remove_stride=False)
        self._picture = opened[opened.primary_index]
        self._bytes = len(content)

    @property
    def size(self) -> tuple[int, int]:
        return self._picture.size

    @property
    def info(self) -> Mapping[str, Any]:
        return self._picture.info

    @property
    def bytes_to_decode(self) -> int:
        each = _BYTES_IN_HEIF
        each *= _FULL_COLOUR if self.info.get("chroma") not in {420, None} else 1
        each *= _ALPHA if self._picture.has_alpha else 1
        each *= _DEEP if self.info.get("bit_depth", 8) > 8 else 1
        return 2 * self._bytes + round(each * self.size[0] * self.size[1])

    def decode(self) -> None:
        before = self.size
        self._picture.load()
        if self.size != before:
            raise ValueError("the picture has another size than the header says")

    def whole(self) -> Image.Image:
        mode, stride = self._picture.mode, self._picture.stride
        return Image.frombytes(mode, self.size, self._picture.data, "raw", mode, stride)

    def strips(self, multiple: int) -> Iterator[Image.Image]:
        (width, height), stride, mode = self.size, self._picture.stride, self._picture.mode
        for top, bottom in _split_rows(width, height, multiple):
            part = self._picture.data[top * stride : bottom * stride]
            yield Image.frombytes(mode, (width, bottom - top), part, "raw", mode, stride)


def _split_rows(width: int, height: int, multiple: int) -> Iterator[tuple[int, int]]:
    step = max(1, _STRIP_PIXELS // (width * multiple)) * multiple
    for top in range(0, height, step):
        yield top, min(top + step, height)


def _find_free_reduction(longer: int, side: int) -> int:
    """Return by how much the JPEG decoder reduces for nothing: 1, 2, 4 or 8."""
    return next((by for by in (8, 4, 2) if longer // by >= side), 1)


def _read_webp_size(content: bytes) -> tuple[int, int]:
    """Return width and height as the first chunk gives them.

    Raises:
        NotAPictureError: it is none of the three kinds.
        struct.error: the file ends before.
    """
    kind = content[12:16]
    if kind == b"VP8X":
        width, more, height, most = struct.unpack_from("<HBHB", content, 24)
        return width + (more << 16) + 1, height + (most << 16) + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise NotAPictureError
