"""A page for each published cell: values, sources, score, what contradicts its paper."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import scores

from sheets import markdown as md

__all__ = ["pages"]

_SAID = {  # pages written about a family
    "Ji2024": ["ji2024"],
    "Chang2024": ["chang2024"],
    "Liang2023": ["liang2023"],
    "Pan2023": ["pan2023"],
    "Song2024": ["song2024", "song2024_pressure"],
}


def pages(figures: Path) -> dict[str, str]:
    """A page for each cell and their list, by file."""
    from sscell.cells.cell import Cell
    from sscell.cells.library import available

    cells = {name: Cell.load(name) for name in available()}
    found = {f"cells/{n}.md": _page(n, c, figures / "cells") for n, c in cells.items()}
    found["cells/index.md"] = _index(cells)
    return found


def _index(cells: dict[str, Any]) -> str:
    rows = []
    for name, cell in cells.items():
        kept = _score(name, cell)
        title = cell.parameters.data.get("title", "")
        rows.append((f"[`{name}`]({name}.md)", md.cell(title), *_told(name, kept)))
    heads = ["cell", "what it is", "rows met", "predicted where the null model fails"]
    return md.page(
        "Published cells",
        [
            "Each page is made from the set itself: every value with its unit, kind and "
            "source, what is known of its error, and how far the set reproduces its paper. "
            "A row is *predicted* only if its value was not used in the fit; it counts as "
            "evidence only where a null model (all material, no losses) fails it.",
            md.table(heads, rows),
            "```{toctree}\n:hidden:\n\n" + "\n".join(cells) + "\n```",
        ],
    )


def _told(name: str, kept: dict[str, Any] | None) -> tuple[str, str]:
    from sscell.papers.observables import has_observables

    if kept is None:
        return ("`sscell validate`" if has_observables(name) else "not judged"), "-"
    score = kept["score"]
    old = "" if kept["current"] else " (older values)"
    return (
        f"{score['met']} of {score['rows']}{old}",
        f"{score['predicted']} of {score['predicted_rows']}",
    )


def _score(name: str, cell: Any) -> dict[str, Any] | None:
    kept = scores.kept(name)
    return (
        None if kept is None else kept | {"current": kept["digest"] == scores.digest(cell)}
    )


def _page(name: str, cell: Any, figures: Path) -> str:
    family = name.partition("-")[0]
    data = cell.data
    parts = [
        md.cell(data.get("title", "")) + ".",
        _citation(data),
        md.cell(data.get("notes", "")),
        _more(name, family),
        _figure(name, cell, figures),
        "## In numbers",
        md.table(
            ["quantity", "value"],
            [(md.cell(k), md.number(v, 4)) for k, v in cell.describe().items()],
        ),
        _conventions(cell),
        *_score_parts(name, cell),
        *_left_out_fits(cell),
        *_covariance(cell),
        *_values(cell),
    ]
    return md.page(name, parts)


def _citation(data: Any) -> str:
    said = data.get("citation")
    if not said:
        return ""
    doi = f"[doi:{said['doi']}](https://doi.org/{said['doi']})" if said.get("doi") else ""
    place = " ".join(str(said[k]) for k in ("journal", "volume", "pages") if said.get(k))
    text = f"{md.cell(said['authors'])} {md.cell(said['title'])}. {md.cell(place)}"
    return f"**Paper.** {text} ({said.get('year', '')}). {doi}"


def _more(name: str, family: str) -> str:
    links = [f"[](../../../published/{n}.md)" for n in _SAID.get(family, [])]
    text = (
        f"What the set says and where it falls short: {', '.join(links)}. " if links else ""
    )
    if name != family:
        text += f"A variant of [{family}]({family}.md): it states what differs."
    return text


def _conventions(cell: Any) -> str:
    valid = cell.data.get("validity", {})
    said = [
        f"capacities per gram of {cell.basis('capacity')[0]}",
        f"energies per kilogram of {cell.basis('energy')[0]}",
        f"voltages against {cell.data['bases']['voltage_reference']}",
        f"slow rate {cell.slow_rate}",
        f"first step: {cell.first_step}",
    ]
    if valid.get("temperature_C"):
        low, high = min(valid["temperature_C"]), max(valid["temperature_C"])
        said.append(f"judged by data from {low:g} to {high:g} °C")
    return "Conventions: " + "; ".join(said) + "."


# The figure: one slow cycle --------------------------------------------------------------


def _figure(name: str, cell: Any, folder: Path) -> str:
    told = json.dumps([cell.values, dict(cell.data)], sort_keys=True, default=str)
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    path = folder / f"{name}-{digest}.svg"
    if not path.is_file():
        for old in folder.glob(f"{name}-????????????????.svg"):
            old.unlink()
        _draw(cell, path)
    return (
        f"```{{figure}} ../../../_kept/figures/cells/{path.name}\n"
        f":alt: Voltage over capacity of {name}\n:width: 100%\n\n"
        f"First cycle as assembled at the set's slow rate, {cell.slow_rate}, simulated when "
        f"this page was built: `sscell simulate {name} -C {cell.slow_rate} --protocol plain "
        "--plot run.png`.\n```"
    )


def _draw(cell: Any, path: Path) -> None:
    import sscell
    from sscell.plots import plot_run, save_figure

    path.parent.mkdir(parents=True, exist_ok=True)
    run = sscell.simulate(
        cell, sscell.cycle(cell.slow_rate), resolution=sscell.Resolution(25)
    )
    save_figure(plot_run(run), path)


# How far it is right ---------------------------------------------------------------------


def _score_parts(name: str, cell: Any) -> list[str]:
    from sscell.papers.observables import has_observables

    kept = _score(name, cell)
    if kept is None and has_observables(name):
        return [
            "## Score",
            f"Its paper's numbers judge it: `sscell validate {name}` runs them. They take too "
            "long for this page, and no result is kept beside it.",
        ]
    if kept is None:
        return [
            "## Score",
            "No number of the paper judges this cell by itself: what it gives is illustrated.",
        ]
    parts = ["## Score", "\n".join(f"- {md.cell(line)}" for line in kept["lines"])]
    if not kept["current"]:
        parts.append(
            "```{note}\nThe set has other values or observables now than those that this "
            f"table was made with: `sscell validate {name}` gives the present one.\n```"
        )
    reversed_ = [r for r in kept["rows"] if r["word"] == "contradicts"]
    others = [r for r in kept["rows"] if r["word"] != "contradicts"]
    heads = [
        "observable",
        "published",
        "model",
        "null model",
        "error",
        "word",
    ]
    parts.append(md.table(heads, [_row(r) for r in others]))
    if reversed_:
        parts += [
            "### What contradicts its paper",
            md.table([*heads[:5], "source"], [_reversal(r) for r in reversed_]),
        ]
    if kept["left_out"]:
        reasons: dict[str, list[str]] = {}
        for row, why in kept["left_out"].items():
            reasons.setdefault(why, []).append(md.code(row))
        items = [f"- {', '.join(rows)}: {md.cell(why)}" for why, rows in reasons.items()]
        parts += ["### What the model cannot give", "\n".join(items)]
    if kept["notes"]:
        parts += ["### Notes", "\n".join(f"- {md.cell(n)}" for n in kept["notes"])]
    return parts


def _row(row: dict[str, Any]) -> list[str]:
    texts = _numbers(row)
    word = row["word"] + ("" if row["met"] else " **missed**")
    return [*texts, word]


def _reversal(row: dict[str, Any]) -> list[str]:
    note = f"{row['source']}. {row['note']}" if row["note"] else row["source"]
    return [*_numbers(row), md.cell(note)]


def _numbers(row: dict[str, Any]) -> list[str]:
    """What was measured under which conditions in one cell, then the numbers."""
    what, conditions, *numbers = (md.cell(t) for t in row["texts"])
    return [f"{what}<br>{conditions}", *numbers]


def _left_out_fits(cell: Any) -> list[str]:
    from sscell.cells.uncertainty import knowledge_of

    known = knowledge_of(cell.parameters)
    if known is None or not known.left_out:
        return []
    rows = [
        (
            md.cell(r.condition),
            md.cell(f"{r.id}: {r.quantity}"),
            md.cell(r.published),
            md.number(r.model, 4),
            md.number(r.error, 3),
            md.number(r.fitted_error, 3),
        )
        for r in known.left_out
    ]
    heads = ["left out", "observable", "published", "model", "error", "error when fitted"]
    return ["### Fits without one condition", md.table(heads, rows)]


def _covariance(cell: Any) -> list[str]:
    """Stored bands: standard errors of the fitted values, from their covariance."""
    import numpy as np

    from sscell.cells.uncertainty import knowledge_of

    known = knowledge_of(cell.parameters)
    if known is None or not known.names:
        return []
    errors = np.sqrt(np.diag(known.matrix()))
    rows = []
    for name, scale, value, error, bounds in zip(
        known.names, known.scales, known.values, errors, known.bounds, strict=True
    ):
        z = 1.645 * error
        low, high = (value - z, value + z)
        if scale == "log":
            low, high = value * np.exp(-z), value * np.exp(z)
        low, high = max(low, bounds[0]), min(high, bounds[1])
        rows.append(
            (md.code(name), md.number(value, 4), f"{low:.3g} to {high:.3g}",
             f"{bounds[0]:.3g} to {bounds[1]:.3g}")
        )  # fmt: skip
    heads = ["fitted value", "estimate", "90 % band", "bounds"]
    return [
        "## Bands of what is fitted",
        f"From the covariance of the fit, {known.effective_parameters:.1f} effective "
        f"parameters from {known.rows} rows. `sscell simulate {known.set} --bands` draws "
        "cells from it and from the ranges of what is assumed.",
        md.table(heads, rows),
    ]


# Every value -----------------------------------------------------------------------------


def _values(cell: Any) -> list[str]:
    meanings = {q.name: q.meaning for q in cell.quantities}
    every = cell.parameters.parameters.values()
    rows, count = [], {}
    for p in every:
        count[p.kind] = count.get(p.kind, 0) + 1
        rows.append(
            (
                md.code(p.name),
                md.number(p.value),
                _kind(p),
                _spread(p),
                _source(p, meanings),
            )
        )
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(count.items()))
    return [
        "## Every value",
        f"{told}. In bold what is assumed and results depend on.",
        md.table(["name", "value", "kind", "± or range", "meaning and source"], rows),
    ]


def _kind(p: Any) -> str:
    return f"**{p.kind}**" if p.matters else p.kind


def _spread(p: Any) -> str:
    if p.std_error:
        return f"± {p.std_error:.2g}"
    return f"{p.range[0]:.3g} to {p.range[1]:.3g}" if p.range else ""


def _source(p: Any, meanings: dict[str, str]) -> str:
    words = [meanings.get(p.name, ""), p.source]
    if p.formula:
        words.append(f"{p.formula}")
    if p.observables:
        words.append("fitted to " + ", ".join(p.observables))
    if p.note:
        words.append(p.note)
    return md.doi_links("; ".join(md.cell(w) for w in words if w))
