"""The page of all reports: sections of text, tables and figures in one template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sscell.reports.panels import interactive, script

__all__ = ["Section", "code", "details", "figure", "items", "render", "table", "text"]

Part = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading and what stands beneath it.

    Parameters
    ----------
    title : str
        Of it.
    parts : list of dict
        From `text`, `items`, `table`, `figure`, `code` and `details`.
    """

    title: str
    parts: list[Part]


def text(words: str, soft: bool = True) -> Part:
    """A paragraph.

    Parameters
    ----------
    words : str
        Plain text.
    soft : bool, optional
        Whether it is a note.
    """
    return {"kind": "text", "text": words, "soft": soft}


def items(words: Sequence[str]) -> Part:
    """A list of sentences.

    Parameters
    ----------
    words : sequence of str
        Plain text.
    """
    return {"kind": "list", "items": list(words)}


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
    loose: Sequence[bool] = (),
) -> Part:
    """A table.

    Parameters
    ----------
    heads : sequence of str
        Of the columns.
    rows : sequence of sequence of str
        Its cells.
    numbers : sequence of int, optional
        Columns that stand right.
    loose : sequence of bool, optional
        Rows that need care.
    """
    marks = list(loose) or [False] * len(rows)
    return {
        "kind": "table",
        "heads": list(heads),
        "numbers": [k in numbers for k in range(len(heads))],
        "rows": [{"cells": r, "loose": m} for r, m in zip(rows, marks, strict=True)],
    }


def figure(body: str, caption: str = "") -> Part:
    """A figure.

    Parameters
    ----------
    body : str
        HTML, from `sscell.reports.panels.draw` or `sscell.plots.style.svg_of`.
    caption : str, optional
        Beneath it.
    """
    return {"kind": "figure", "body": body, "caption": caption}


def code(words: str) -> Part:
    """Text as it is typed.

    Parameters
    ----------
    words : str
        Such as a command.
    """
    return {"kind": "code", "text": words}


def details(
    summary: str,
    heads: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    text: str = "",
) -> Part:
    """What opens on a click.

    Parameters
    ----------
    summary : str
        What it is.
    heads, rows : sequence, optional
        A table.
    text : str, optional
        Text as it is typed.
    """
    return {
        "kind": "details",
        "summary": summary,
        "heads": heads,
        "rows": rows,
        "text": text,
    }


def render(sections: Sequence[Section], **words: str) -> str:
    """The page.

    Parameters
    ----------
    sections : sequence of Section
        In order.
    **words
        ``title``, ``lead``, ``mood`` (empty, off or cannot), ``summary`` and ``made_by``.

    Returns
    -------
    str
        HTML that needs no other file.

    Examples
    --------
    >>> page = render([Section("A", [text("<b>")])], title="T", lead="", summary="")
    >>> "&lt;b&gt;" in page
    True
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    templates = Environment(
        loader=PackageLoader("sscell.reports"),
        autoescape=select_autoescape(default=True, default_for_string=True),
    )
    scripts = [script()] if interactive() else []
    page = templates.get_template("page.html.j2")
    return page.render(sections=list(sections), scripts=scripts, **words)
