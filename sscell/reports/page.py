"""The page of all reports: sections of text, tables and figures in one template."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from sscell.errors import ParameterError
from sscell.plots.style import png_of, svg_of
from sscell.reports.panels import Panel, draw, interactive, script

__all__ = [
    "Section",
    "code",
    "details",
    "download",
    "figure",
    "items",
    "live_figure",
    "page_path",
    "panel_figure",
    "picture",
    "render",
    "table",
    "text",
]

Part = dict[str, Any]
_KINDS = {".csv": "text/csv", ".toml": "application/toml", ".json": "application/json"}


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
        HTML that needs no script, such as from `sscell.plots.style.svg_of`.
    caption : str, optional
        Beneath it.
    """
    return {"kind": "figure", "body": body, "caption": caption}


def live_figure(body: str, caption: str = "") -> Part:
    """A figure of what `sscell.reports.panels.draw` gave.

    Parameters
    ----------
    body : str
        HTML; several drawings may stand in it.
    caption : str, optional
        Beneath it.
    """
    return figure(body, caption) | {"live": interactive()}


def panel_figure(panels: Sequence[Panel], columns: int = 2, caption: str = "") -> Part:
    """A figure of panels, interactive where plotly is there.

    Parameters
    ----------
    panels : sequence of Panel
        In order, row by row.
    columns : int, optional
        Panels beside each other.
    caption : str, optional
        Beneath it.
    """
    return live_figure(draw(panels, columns), caption)


def picture(drawn: Any, name: str, caption: str = "", width: str = "100%") -> Part:
    """A figure that is also there as a PNG file, for print.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure
        Is closed.
    name : str
        Of the file, without suffix.
    caption : str, optional
        Beneath it.
    width : str, optional
        At most, as CSS has it.
    """
    data = png_of(drawn)
    own = figure(svg_of(drawn, width), caption)
    return own | {"files": [_embedded(f"{name}.png", data, "image/png")]}


def download(files: Mapping[str, str]) -> Part:
    """Files that the page carries, to be saved from it.

    Parameters
    ----------
    files : mapping of str to str
        Text by name of the file, ``.csv`` or another.
    """
    entries = [
        _embedded(name, words.encode(), _KINDS.get(PurePath(name).suffix, "text/plain"))
        for name, words in files.items()
    ]
    return {"kind": "download", "files": entries}


def _embedded(name: str, data: bytes, kind: str) -> dict[str, str]:
    size = f"{len(data) / 1e6:.1f} MB" if len(data) >= 1e5 else f"{len(data) / 1e3:.0f} kB"
    return {
        "name": name,
        "size": size,
        "href": f"data:{kind};base64,{b64encode(data).decode('ascii')}",
    }


def page_path(path: str | Path) -> Path:
    """Path of a page that can be written.

    Parameters
    ----------
    path : str or pathlib.Path
        A ``.html`` file in a folder that exists.

    Raises
    ------
    ParameterError
        If it is not.

    Examples
    --------
    >>> page_path("report.docx")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: 'report.docx' must end in .html.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ParameterError(f"'{path}' must end in .html.")
    if not path.parent.is_dir():
        raise ParameterError(f"The folder '{path.parent}' does not exist.")
    return path


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
    live = any(part.get("live") for section in sections for part in section.parts)
    page = templates.get_template("page.html.j2")
    return page.render(sections=list(sections), scripts=[script()] if live else [], **words)
