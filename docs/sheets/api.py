"""Reference of the Python interface, from the docstrings."""

from __future__ import annotations

import importlib
import inspect

from sheets import markdown as md

__all__ = ["PAGES", "pages"]

# Page, title, module whose names are meant, names (none: all of `__all__`).
PAGES = (
    ("sscell", "sscell", "sscell", ()),
    ("protocols", "sscell.protocols", "sscell.protocols", ()),
    ("analysis", "sscell.analysis", "sscell.analysis", ()),
    ("plots", "sscell.plots", "sscell.plots", ()),
    ("cell", "sscell.cells.cell", "sscell.cells.cell", ()),
    ("materials", "sscell.cells.materials", "sscell.cells.materials", ()),
    ("parts", "sscell.cells.parts", "sscell.cells.parts", ()),
    ("parameters", "sscell.cells.parameters", "sscell.cells.parameters", ()),
    ("uncertainty", "sscell.cells.uncertainty", "sscell.cells.uncertainty", ()),
    ("dataset", "sscell.dataset", "sscell.dataset", ()),
    ("readers", "sscell.readers", "sscell.readers", ()),
    ("fitting", "sscell.fitting", "sscell.fitting", ()),
    ("planning", "sscell.fitting.planning", "sscell.fitting.planning", ()),
    ("designs", "sscell.sweeps.designs", "sscell.sweeps.designs", ()),
    ("validation", "sscell.papers.validation", "sscell.papers.validation", ()),
    ("observables", "sscell.papers.observables", "sscell.papers.observables", ()),
    ("refit", "sscell.papers.refit", "sscell.papers.refit", ()),
    ("model", "sscell.cells.model", "sscell.cells.model", ()),
    ("hosts", "sscell.physics.cathodes.host", "sscell.physics.cathodes.host", ()),
    ("interchange", "sscell.interchange", "sscell.interchange", ()),
    ("testing", "sscell.testing", "sscell.testing", ()),
    ("units", "sscell.units", "sscell.units", ()),
    ("errors", "sscell.errors", "sscell.errors", ()),
)


def pages() -> dict[str, str]:
    """A page for each public module, by file."""
    found, rows = {}, []
    for file, title, module, names in PAGES:
        found[f"api/{file}.md"] = _page(title, module, names)
        rows.append((f"[`{title}`]({file}.md)", md.cell(_first(module))))
    found["api/index.md"] = md.page(
        "Python",
        [
            "What is on these pages is public. Arguments with a unit take numbers in that "
            'unit or text that carries its own, such as `"30 min"`.',
            md.table(["module", "what it is for"], rows),
            "```{toctree}\n:hidden:\n\n" + "\n".join(p[0] for p in PAGES) + "\n```",
        ],
    )
    return found


def _first(module: str) -> str:
    return (importlib.import_module(module).__doc__ or "").strip().splitlines()[0]


def _page(title: str, module: str, names: tuple[str, ...]) -> str:
    loaded = importlib.import_module(module)
    parts = [md.cell((loaded.__doc__ or "").split("\n\n")[0])]
    for name in names or loaded.__all__:
        thing = getattr(loaded, name)
        if inspect.ismodule(thing) or name.startswith("__"):
            continue
        # Where it is documented once: other modules that hand it on link to that page.
        home = thing.__module__ if hasattr(thing, "__module__") else module
        parts += [f"## {name}", _directive(thing, f"{module}.{name}", home, module)]
    return md.page(title, parts)


def _directive(thing: object, path: str, home: str, module: str) -> str:
    if inspect.isclass(thing):
        again = "   :no-index:\n" if _documented_elsewhere(home, module) else ""
        kind, options = "autoclass", "   :members:\n" + again
    elif callable(thing):
        kind, options = "autofunction", ""
    else:
        kind, options = "autodata", "   :no-value:\n"
    return f"```{{eval-rst}}\n.. {kind}:: {path}\n{options}```"


def _documented_elsewhere(home: str, module: str) -> bool:
    others = {m for _, _, m, _ in PAGES if m != module}
    return home in others and home != module
