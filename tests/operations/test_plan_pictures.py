import io

import pytest
from PIL import Image, PngImagePlugin

from operations.plan_pictures import (
    MAX_BYTES,
    PlanPictureScriptError,
    PlanPictureTooLargeError,
    PlanPictureTooSmallError,
    PlanPictureUnreadableError,
    make_safe,
)

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 400 200">'


def svg(inside: str, head: str = HEAD) -> str:
    return make_safe(f"{head}{inside}</svg>".encode()).content.decode()


def picture(size=(400, 300), kind="PNG", mode="RGB", **options) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, "white").save(made, kind, **options)
    return made.getvalue()


def test_a_drawing_keeps_its_shapes_words_and_colours() -> None:
    drawn = svg(
        '<style>.wall { fill: #ccc }</style><g class="wall" style="stroke: red" transform="scale(2)">'
        '<path d="M0 0L10 10"/><text x="1">图书馆 &amp; 北门</text></g>'
        '<linearGradient id="g"><stop offset="0"/></linearGradient><rect fill="url(#g)"/><use xlink:href="#g"/>'
    )
    for kept in (".wall { fill: #ccc }", 'style="stroke: red"', "图书馆 &amp; 北门", 'fill="url(#g)"', '"#g"', "M0 0"):
        assert kept in drawn
    assert 'viewBox="0 0 400 200"' in drawn


@pytest.mark.parametrize(
    "inside",
    [
        '<a xlink:href="https://evil.example"><rect/></a>',
        '<image xlink:href="https://evil.example/x.png"/>',
        '<image href="data:image/svg+xml;base64,ZXZpbA=="/>',
        '<use href="https://evil.example/x.svg#a"/>',
        '<rect fill="url(https://evil.example/x)"/>',
        "<rect style=\"fill: url( '//evil.example')\"/>",
        "<style>@import 'https://evil.example/x.css';</style>",
        "<style>rect { fill: url(https://evil.example/) }</style>",
        "<style>rect { fill: \\75rl(https://evil.example/) }</style>",
        '<animate attributeName="href" to="https://evil.example"/>',
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><p>evil</p></body></foreignObject>",
        '<set attributeName="onmouseover" to="evil()"/>',
        '<style><![CDATA[</style><script>evil()</script>]]></style><rect x="]]>evil"/>'.replace(' x="]]>evil"', ""),
        "<?xml-stylesheet href='https://evil.example/x.css'?><rect/>",
        "<!-- evil -->",
        '<metadata>evil</metadata><rect data-x="1"/>',
    ],
)
def test_nothing_of_a_drawing_runs_or_reaches_elsewhere(inside: str) -> None:
    drawn = svg(inside)
    assert "<script" not in drawn
    assert "evil" not in drawn or "&lt;script" in drawn


@pytest.mark.parametrize(
    "inside",
    [
        "<script>evil()</script>",
        '<rect onload="evil()"/>',
        '<g ONCLICK="evil()"/>',
        '<a href="javascript:evil()"><rect/></a>',
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><script>evil()</script></body></foreignObject>",
        '<x:script xmlns:x="http://www.w3.org/2000/svg">evil()</x:script>',
        '<script xmlns="http://www.w3.org/1999/xhtml">evil()</script>',
        '<animate attributeName="href" to="javascript:evil()"/>',
        '<a href=" java\nscript:evil()"><rect/></a>',
        "<metadata><script>evil()</script></metadata>",
    ],
)
def test_a_drawing_with_a_script_is_refused_as_one(inside: str) -> None:
    with pytest.raises(PlanPictureScriptError):
        svg(inside)


def test_what_is_safe_is_the_same_once_more() -> None:
    once = svg('<g id="a"><text>x &lt; y</text></g><use href="#a"/>')
    assert make_safe(once.encode()).content.decode() == once


def test_a_file_with_entities_is_refused_and_a_plain_doctype_is_not() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + HEAD + "<text>&b;</text></svg>"
    outside = '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + HEAD + "<text>&a;</text></svg>"
    for content in (bomb, outside):
        with pytest.raises(PlanPictureUnreadableError):
            make_safe(content.encode())
    plain = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    assert "DOCTYPE" not in svg("", plain + HEAD)


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<html></html>", b"<svg></svg>", b"\x89PNG\r\n\x1a\nbroken", b"\xff\xd8\xff", b"\xff\xfe<\x00"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(PlanPictureUnreadableError):
        make_safe(content)


def test_a_drawing_without_a_size_or_too_deep_is_refused() -> None:
    with pytest.raises(PlanPictureUnreadableError):
        svg("", HEAD.replace('viewBox="0 0 400 200"', ""))
    with pytest.raises(PlanPictureUnreadableError):
        svg("<g>" * 200 + "</g>" * 200)


def test_pixels_are_written_anew_and_what_stands_beside_them_is_left_behind() -> None:
    noted = PngImagePlugin.PngInfo()
    noted.add_text("Comment", "taken at 36.1 N")
    made = make_safe(picture(pnginfo=noted))
    assert (made.media_type, made.width, made.height) == ("image/png", 400, 300)
    assert b"36.1" not in made.content
    turned = Image.Exif()
    turned[0x0112] = 6
    photo = make_safe(picture(kind="JPEG", exif=turned.tobytes()))
    assert (photo.media_type, photo.width, photo.height) == ("image/jpeg", 300, 400)
    assert b"Exif" not in photo.content


def test_limits_of_size_are_kept_before_anything_is_decoded() -> None:
    with pytest.raises(PlanPictureTooLargeError):
        make_safe(b"\x89PNG" + bytes(MAX_BYTES))
    with pytest.raises(PlanPictureTooLargeError):
        make_safe(picture((8000, 6000), mode="1"))
    with pytest.raises(PlanPictureTooSmallError):
        make_safe(picture((100, 400)))
    assert make_safe(picture((6000, 3000), mode="1")).width == 4096
