"""Whether the built pages hold together: `python docs/check_site.py OUT`.

Every link inside leads to a page, and to a place on it; no page loads anything from outside.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself when it shows a page.
_FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
}
_FETCHED_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "preconnect",
    "manifest",
}


class _Page(HTMLParser):
    """Places, links and what is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        told = {key: value or "" for key, value in attrs}
        self.places |= {told[key] for key in ("id", "name") if key in told}
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag == "link" and _FETCHED_RELATIONS & set(told.get("rel", "").split()):
            self.fetched.append(told.get("href", ""))
        self.fetched += [told[key] for key in _FETCHED.get(tag, ()) if key in told]


def faults(folder: Path) -> list[str]:
    """What is wrong with the pages of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        What `sphinx-build` wrote.

    Returns
    -------
    list of str
        A sentence each.
    """
    pages = {}
    for path in _pages(folder):
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path.resolve()] = page
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        for asset in page.fetched:
            if urlsplit(asset).netloc:
                found.append(f"{name} loads {asset}")
            elif not asset.startswith("data:") and not _target(path, asset).is_file():
                found.append(f"{name} lacks {asset}")
        for link in page.links:
            fault = _broken(path, link, pages)
            if fault:
                found.append(f"{name}: {fault}")
    return found


def _pages(folder: Path) -> list[Path]:
    """All but the templates that a theme carries among its files."""
    every = sorted(folder.rglob("*.html"))
    return [p for p in every if "_static" not in p.relative_to(folder).parts]


def _target(page: Path, link: str) -> Path:
    return (page.parent / unquote(urlsplit(link).path)).resolve()


def _broken(page: Path, link: str, pages: dict[Path, _Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = _target(page, link) if parts.path else page
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return f"'{link}' leads nowhere"
    place = unquote(parts.fragment)
    if place and target in pages and place not in pages[target].places:
        return f"'{link}' has no such place"
    return ""


def main(folder: Path) -> int:
    """Print what is wrong; the exit code says whether anything is."""
    found = faults(folder)
    count = len(_pages(folder))
    print(*found, f"{count} pages, {len(found)} faults", sep="\n")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
