"""Pages that are made from the package itself, whenever the pages are built."""

from __future__ import annotations

from pathlib import Path

from sheets import api, cells, commands, materials, names

__all__ = ["setup", "write_all"]


def write_all(folder: Path) -> list[Path]:
    """Write every generated page under `reference`, and end those that are no more.

    Parameters
    ----------
    folder : pathlib.Path
        Of the sources.

    Returns
    -------
    list of pathlib.Path
    """
    pages: dict[str, str] = {}
    figures = folder / "_kept" / "figures"
    for part in (api, commands, names):
        pages |= part.pages()
    for part in (cells, materials):
        pages |= part.pages(figures)
    root = folder / "reference" / "made"
    written = [_write(root / name, text) for name, text in pages.items()]
    for old in set(root.rglob("*.md")) - set(written):
        old.unlink()
    return written


def _write(path: Path, text: str) -> Path:
    """Leave a page that says the same, so that it is not built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def setup(app):
    """Make the pages before any is read."""
    app.connect("builder-inited", lambda app: write_all(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
