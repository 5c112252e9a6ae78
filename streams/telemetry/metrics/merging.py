"""Puts the expositions of several processes together into one: the lines of each metric side by side, under one heading.

The processes have labelled their lines (`Exposition`), so no two are equal, and none is read, only moved: a scrape of many
connections has tens of thousands of lines. Works for Prometheus' own format and for OpenMetrics.
"""

from __future__ import annotations

from collections.abc import Iterable

_FAMILY = "# HELP "
_END = "# EOF\n"


def merge(texts: Iterable[str]) -> str:
    """One text of all, in the order in which metrics first come. Each is whole, and all are of one format."""
    heads: dict[str, str] = {}
    samples: dict[str, list[str]] = {}
    end = ""
    for text in texts:
        if text.endswith(_END):
            text, end = text.removesuffix(_END), _END
        # A line break in a label's value or a help text is escaped, so these are the beginnings of lines only.
        for family in f"\n{text}".split(f"\n{_FAMILY}")[1:]:
            help_line, _, rest = family.partition("\n")
            type_line, _, lines = rest.partition("\n")
            name = help_line.partition(" ")[0]
            heads.setdefault(name, f"{_FAMILY}{help_line}\n{type_line}\n")
            samples.setdefault(name, []).append(lines if lines.endswith("\n") or not lines else f"{lines}\n")
    return "".join(head + "".join(samples[name]) for name, head in heads.items()) + end
