"""HTML to text and text to HTML: GHL keeps notes as HTML, Lofty keeps them as text.

`text_of(html_of(text))` is `text`, but for white space at the ends of lines and for more than one empty line in a row.
HTML is read by lexbor, which parses as browsers do and in linear memory; what it is given is bounded by `MOST_HTML`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

MOST_HTML = 50_000
"""Characters of HTML that are read; the rest is left out. Lofty keeps 2,000 characters of text."""
LONGEST_ADDRESS = 500
"""Characters of a link's address that are shown; a link with a longer one shows its text alone."""
DEEPEST_INDENT = 5
"""Lists that are nested deeper are not indented further."""

_TAG = re.compile(
    r"<(?:!--|!doctype\b|/?(?:a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|code|col|dd|del"
    r"|details|div|dl|dt|em|embed|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd"
    r"|label|li|link|main|mark|meta|nav|object|ol|option|p|pre|q|s|script|section|select|small|span|strike|strong|style|sub"
    r"|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|var|video)(?=[\s/>]|$))",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_LEFT_OUT = frozenset(
    {
        "script",
        "style",
        "head",
        "template",
        "noscript",
        "iframe",
        "object",
        "svg",
        "title",
        "select",
        "textarea",
        "video",
    }
)
_PARAGRAPHS = frozenset({"p", "ul", "ol", "dl", "blockquote", "pre", "table", *(f"h{level}" for level in range(1, 7))})
_BLOCKS = _PARAGRAPHS | {
    *(
        "address",
        "article",
        "aside",
        "center",
        "caption",
        "dd",
        "details",
        "div",
        "dt",
        "figcaption",
        "figure",
        "footer",
    ),
    *("form", "header", "hr", "li", "main", "nav", "section", "summary", "tr"),
}
_LINKED = ("http://", "https://", "mailto:", "tel:")


def html_of(text: str) -> str:
    """Text as HTML that shows it as it is: its signs, its line breaks, its indents."""
    escaped = html.escape(_LINE_ENDS.sub("\n", text).expandtabs(4), quote=False)
    lines = (re.sub("^ ", "&nbsp;", line.rstrip(" ")).replace("  ", " &nbsp;") for line in escaped.split("\n"))
    return "<br>".join(lines)


def is_same_as_html(text: str) -> bool:
    """Whether a text, taken as HTML, has the same signs: it has none that HTML gives a meaning."""
    return not re.search("[<>&]", text)


def text_of(value: str) -> str:
    """What HTML shows, as text: paragraphs, line breaks, lists, cells of tables, links with their address.

    A text without any tag keeps its line breaks, as GHL shows those of others' plain notes.
    Scripts and styles are left out. Never raises.
    """
    bounded = value[:MOST_HTML].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if not _TAG.search(bounded):
        return _tidy(html.unescape(bounded).encode("utf-8", "replace").decode())
    body = LexborHTMLParser(bounded).body
    return _tidy(_Writer().written(body)) if body is not None else ""


def one_line(value: str) -> str:
    """The text of HTML with single spaces in place of all white space: equal for texts that only differ in how they are set."""
    return " ".join(text_of(value).split())


def _tidy(text: str) -> str:
    lines = _LINE_ENDS.sub("\n", text).replace("\xa0", " ").split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n ")


def _steps(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Each node twice, when it begins and when it ends. Without recursion, as HTML may be nested as deep as it is long."""
    stack = [(root, False)]
    while stack:
        node, is_end = stack.pop()
        yield node, is_end
        if is_end or node.tag in _LEFT_OUT:
            continue
        stack.append((node, True))
        children = []
        child = node.child
        while child is not None:
            children.append((child, False))
            child = child.next
        stack += reversed(children)


class _Writer:
    """Writes the nodes of a document as text. A line end is written when the next text is, so none is written in vain."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.owed_ends = 0
        self.prefix = ""
        self.is_after_space = True
        self.verbatim = 0
        self.lists: list[int | None] = []
        self.links: list[tuple[str, int]] = []

    def written(self, root: LexborNode) -> str:
        for node, is_end in _steps(root):
            tag = node.tag or ""
            if tag == "-text":
                if not is_end:
                    self._text(node.text_content or "")
            elif is_end:
                self._end(node, tag)
            else:
                self._begin(node, tag)
        return "".join(self.parts)

    def _begin(self, node: LexborNode, tag: str) -> None:
        if tag in _BLOCKS:
            self._break(tag)
        if tag == "br":
            self._line_end()
        elif tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag == "pre":
            self.verbatim += 1
        elif tag == "a":
            self.links.append((_address(node), len(self.parts)))
        elif tag == "img" and (shown := node.attributes.get("alt")):
            self._text(shown)

    def _end(self, node: LexborNode, tag: str) -> None:
        if tag == "a" and self.links:
            self._link(*self.links.pop())
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.verbatim -= 1
        elif tag == "li":
            self.prefix = ""
        elif tag in ("td", "th") and node.next is not None and not self.is_after_space:
            self._write(" | ")
            self.is_after_space = True
        if tag in _BLOCKS:
            self._break(tag)

    def _break(self, tag: str) -> None:
        """The next text begins a line; beside a paragraph that is in no list, with an empty line between."""
        if self.parts:
            self.owed_ends = max(self.owed_ends, 2 if tag in _PARAGRAPHS and not self.lists else 1)
        self.is_after_space = True

    def _line_end(self) -> None:
        self.parts.append("\n" * self.owed_ends + "\n")
        self.owed_ends, self.is_after_space = 0, True

    def _item(self) -> None:
        depth = min(len(self.lists), DEEPEST_INDENT)
        number = self.lists[-1] if self.lists else None
        if number is not None:
            self.lists[-1] = number + 1
        self.prefix = "\xa0\xa0" * max(depth - 1, 0) + ("- " if number is None else f"{number}. ")

    def _text(self, text: str) -> None:
        if not self.verbatim:
            text = _SPACES.sub(" ", text)
            if self.is_after_space:
                text = text.removeprefix(" ")
        if text:
            self._write(text)
            self.is_after_space = text.endswith(" ")

    def _write(self, text: str) -> None:
        self.parts.append("\n" * self.owed_ends + self.prefix + text)
        self.owed_ends, self.prefix = 0, ""

    def _link(self, address: str, since: int) -> None:
        shown = "".join(self.parts[since:]).strip()
        bare = address.split(":", 1)[-1].strip("/")
        if address and bare not in (shown.rstrip("/"), shown.split(":", 1)[-1].strip("/")):
            self._text(f" ({address})" if shown else address)


def _address(node: LexborNode) -> str:
    address = (node.attributes.get("href") or "").strip()
    if not address.lower().startswith(_LINKED) or len(address) > LONGEST_ADDRESS or not address.isprintable():
        return ""
    return address.split(":", 1)[1] if address.lower().startswith(("mailto:", "tel:")) else address
