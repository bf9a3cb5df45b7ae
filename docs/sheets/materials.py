"""A page for each material: every value with its source, and its potential as a figure."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sheets import markdown as md

__all__ = ["pages"]


def pages(figures: Path) -> dict[str, str]:
    """A page for each card and their list, by file."""
    from sscell.cells.materials import KINDS, load_material, material_names

    cards = [load_material(n) for n in material_names()]
    cards.sort(key=lambda c: (KINDS.index(c.kind), c.name.lower()))
    found = {f"materials/{c.name}.md": _page(c, figures / "materials") for c in cards}
    rows = [
        (
            f"[`{c.name}`]({c.name}.md)",
            "/".join(c.serves),
            md.cell(c.card.formula),
            md.cell(c.card.title),
            _counted(c),
        )
        for c in cards
    ]
    found["materials/index.md"] = md.page(
        "Materials",
        [
            "Cards from which `sscell new` builds a cell. Where their numbers come from in "
            "general: [](../../../explanation/materials.md).",
            md.table(["material", "serves as", "formula", "what it is", "values"], rows),
            "```{toctree}\n:hidden:\n\n" + "\n".join(c.name for c in cards) + "\n```",
        ],
    )
    return found


def _counted(card: Any) -> str:
    kinds = [p.kind for p in card.values.values()]
    return ", ".join(f"{kinds.count(k)} {k}" for k in sorted(set(kinds)))


def _page(material: Any, figures: Path) -> str:
    card = material.card
    facts = [f"Serves as {' and '.join(material.serves)}."]
    if card.aliases:
        facts.append("Also called " + ", ".join(md.code(a) for a in card.aliases) + ".")
    if card.host is not None:
        h = card.host
        facts.append(f"{h.guest_per_host:g} {h.guest} per {h.host}, {h.as_made} as made.")
    if card.ocv is not None and card.ocv.source:
        facts.append(f"Open-circuit potential: {md.doi_links(md.cell(card.ocv.source))}.")
    rows = [
        (md.code(p.name), md.number(p.value), f"**{p.kind}**" if p.matters else p.kind,
         _spread(p), _source(p))
        for p in material.values.values()
    ]  # fmt: skip
    parts = [
        md.cell(card.title) + (f" ({md.cell(card.formula)})." if card.formula else "."),
        " ".join(facts),
        md.cell(card.notes),
        _figure(material, figures),
        "## Every value",
        md.table(["name", "value", "kind", "range", "source"], rows),
        _use(material),
    ]
    return md.page(material.name, parts)


def _spread(p: Any) -> str:
    if p.std_error:
        return f"± {p.std_error:.2g}"
    return f"{p.range[0]:.3g} to {p.range[1]:.3g}" if p.range else ""


def _source(p: Any) -> str:
    words = [p.source, p.formula, p.note]
    return md.doi_links("; ".join(md.cell(w) for w in words if w))


def _use(material: Any) -> str:
    option = {
        "active": f"--cathode {material.name}:70",
        "electrolyte": f"--separator {material.name}:100mg",
        "anode": f"--anode {material.name}",
        "conductor": f"--carbon {material.name}:3",
        "coating": f"--coating {material.name}:10nm",
    }[material.kind]
    return f"In a cell of your own: `sscell new mycell.toml {option} ...`."


def _figure(material: Any, folder: Path) -> str:
    if material.card.ocv is None or material.card.ocv.network is not None:
        return ""
    columns = material.table()
    if columns is None:
        return ""
    digest = hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]
    path = folder / f"{material.name}-{digest}.svg"
    if not path.is_file():
        for old in folder.glob(f"{material.name}-????????????????.svg"):
            old.unlink()
        _draw(material, columns, path)
    return (
        f"```{{figure}} ../../../_kept/figures/materials/{path.name}\n"
        f":alt: Open-circuit potential of {material.name}\n:width: 32rem\n\n"
        "Open-circuit potential over the filling of the host.\n```"
    )


def _draw(material: Any, columns: dict[str, list[float]], path: Path) -> None:
    from sscell.plots.style import save_figure, subplots

    path.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = subplots()
    guest = {"lithium": "Li", "sodium": "Na"}[material.card.host.guest]
    for label in ("potential", "discharge", "charge"):
        if label in columns:
            axes.plot(columns["filling"], columns[label], label=label)
    axes.set_xlabel("Filling of the host [-]")
    axes.set_ylabel(f"Potential [V vs. {guest}/{guest}$^+$]")
    if len(columns) > 2:
        axes.legend()
    save_figure(figure, path)
