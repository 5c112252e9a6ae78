"""HTML to text, and text to HTML."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.ghl.note_html import kept_note
from streams.mapping.markers import CONTENT_LIMIT, find_marker, utf16_units, with_back_marker, with_marker
from streams.mapping.rich_text import MOST_HTML, html_of, is_same_as_html, one_line, text_of
from tests.unit.streams.mapping.odd_leads import UNHURRIED

SIGNS = [
    "<",
    ">",
    "&",
    "&amp;",
    "<500k",
    "<br>",
    "</p>",
    "<five",
    "'",
    '"',
    "\n",
    " ",
    "  ",
    "\t",
    "😀",
    "\ud83c",
    "\x00",
]
SIGNS += [
    "שלום",
    "\u202e",
    "\u200b",
    "\u2028",
    "\r\n",
    "word",
    "&nbsp",
    "&#60;",
    "<script>x</script>",
    "[lofty-note:1]",
]
texts = st.lists(st.sampled_from(SIGNS) | st.text(max_size=5)).map("".join)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>there</b></p><p>AT&amp;T &eacute;&#8364;<br/>line</p>", "Hello there\n\nAT&T é€\nline"),
        ("<div>a</div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<ul><li>one</li><li><p>two</p></li></ul>end", "- one\n- two\n\nend"),
        ("<ol><li>x<ul><li>deep</li></ul></li><li>y</li></ol>", "1. x\n  - deep\n2. y"),
        ('<a href="https://a.example/x">the page</a>', "the page (https://a.example/x)"),
        ('<a href="https://a.example/">https://a.example</a>', "https://a.example"),
        ('<a href="mailto:a@b.co">write</a> <a href="tel:+15125550100">call</a>', "write (a@b.co) call (+15125550100)"),
        ('<a href="javascript:alert(1)">press</a>', "press"),
        ("<script>alert(1)</script><style>p{}</style><p>kept</p>", "kept"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a | b\nc | d"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p>budget &lt;500k 😀</p>", "budget <500k 😀"),
        ("no tag <500k, R&amp;D\nnext line", "no tag <500k, R&D\nnext line"),
        ("a &nbsp;b", "a  b"),
        ("\ud83c half", "? half"),
        ("", ""),
        ("<p>never closed <b>bold", "never closed bold"),
        ('<img src="x" alt="a map">', "a map"),
    ],
)
def test_html_is_read_as_it_is_shown(html: str, text: str) -> None:
    """Paragraphs, lists, links, entities, line breaks; nothing of scripts."""
    assert text_of(html) == text


def plain(text: str) -> str:
    """A text without what is not kept: spaces at the ends of lines, empty lines beyond one."""
    text = (
        re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
        .expandtabs(4)
        .replace("\xa0", " ")
        .replace("\x00", "\ufffd")
    )
    text = text.encode("utf-8", "replace").decode()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n ")


@UNHURRIED
@given(texts)
def test_a_text_comes_back_from_html_as_it_was(text: str) -> None:
    """Whatever is in it, and also from GHL's own form of the HTML, word for word."""
    assert plain(text_of(html_of(text))) == plain(text)
    if "\x00" not in text and "\x1c" not in text:
        assert one_line(kept_note(html_of(text).encode("utf-8", "replace").decode())).split() == plain(text).split()


@UNHURRIED
@given(texts)
def test_what_is_read_never_fails_and_can_be_written(text: str) -> None:
    """Half characters, signs that nothing shows, HTML that is none."""
    for one in (text_of(text), text_of(f"<p>{text}")):
        one.encode()
        assert "<script" not in text_of(html_of("a") + one) or "<script" in text


@UNHURRIED
@given(texts, st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_a_marker_survives_html_both_ways(text: str, lofty_id: str) -> None:
    """As we send it, and as GHL gives it back."""
    html = html_of(with_marker(text, "note", lofty_id).encode("utf-8", "replace").decode())
    assert find_marker(html, "note") == find_marker(kept_note(html), "note") == lofty_id


def test_a_text_without_signs_of_html_is_the_same_as_html() -> None:
    """Then GHL shows what an earlier release sent."""
    assert [is_same_as_html(one) for one in ("likes gardens\n\nand cats", "<500k", "R&D", "a > b")] == [True] + [
        False
    ] * 3


@UNHURRIED
@given(st.text(alphabet="😀a\n\u200d\u202e", min_size=CONTENT_LIMIT - 60, max_size=CONTENT_LIMIT + 60))
def test_what_goes_to_lofty_is_never_cut_by_it(text: str) -> None:
    """However it counts: the marker is whole, and no emoji is halved."""
    sent = with_back_marker(text, "note:abc")
    assert utf16_units(sent) <= CONTENT_LIMIT
    assert sent.encode()
    assert sent.endswith("\n\n[ghl-note:abc]")


@pytest.mark.parametrize(
    "part",
    [
        "<div>",
        "<b>",
        "<ul><li>x",
        "<table>",
        "<a href='http://a.b'>x",
        "<p><b><i>",
        "&",
        "<",
        "<!--",
        "<svg><desc>",
        "<li>",
        "<td>x",
    ],
)
def test_hostile_html_is_read_in_bounded_time_and_size(part: str) -> None:
    """A hundred times what is read of it."""
    began = time.process_time()
    text = text_of(part * (100 * MOST_HTML // len(part)))
    assert time.process_time() - began < 5
    assert len(text) < 4 * MOST_HTML
