"""Small pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["cell", "code", "doi_links", "number", "page", "table"]

_DOI = re.compile(r"(?:doi:|https://doi\.org/)(10\.\d{4,9}/[^\s,;)]+[^\s,;).])", re.I)


def doi_links(text: str) -> str:
    """DOIs as links."""
    return _DOI.sub(r"[doi:\1](https://doi.org/\1)", text)


def cell(text: object) -> str:
    """Text that may stand in a table: nothing in it is markup."""
    plain = " ".join(str(text).split())
    plain = re.sub(r"([\\`*_{}\[\]<>$|~#])", r"\\\1", plain)
    return plain


def code(text: object) -> str:
    """Text as it is typed."""
    plain = " ".join(str(text).split()).replace("|", "\\|")
    return f"`{plain}`" if plain else ""


def number(value: float | None, digits: int = 6) -> str:
    """A value as a reader writes it."""
    return "" if value is None else f"{value:.{digits}g}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def page(title: str, parts: Iterable[str]) -> str:
    """A page of a title and its parts, empty ones left out."""
    return "\n\n".join([f"# {title}", *(p for p in parts if p)]) + "\n"
