"""Maps: one protocol over a grid of conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sscell.app.recipes import AXES, Design, Sweep
from sscell.app.worker import Work
from sscell.errors import ParameterError, SimulationError

__all__ = ["QUANTITIES", "design", "sweep"]

QUANTITIES = {
    "capacity_mAh_g": "Capacity [mAh/g]",
    "energy_Wh_kg": "Energy [Wh/kg of the cathode layer]",
    "mean_voltage_V": "Mean voltage [V]",
}


def sweep(work: Work, asked: Sweep, cell: str, store: str) -> dict[str, Any]:
    """Run a grid; points that are in the store are not run again.

    Parameters
    ----------
    work : Work
        Hears of each point.
    asked : Sweep
        Axes and values.
    cell : str
        Where the cell is.
    store : str
        File that keeps finished points.

    Returns
    -------
    dict
        ``figures`` by quantity and half cycle, ``failures``.
    """
    import sscell
    from sscell import protocols
    from sscell.solver.watch import asked as asked_of_solves
    from sscell.solver.watch import watching

    axes = asked.values()
    if not 1 <= len(axes) <= 2:
        raise ParameterError("Choose one or two different axes.")

    tell = _teller(work)
    protocol = getattr(protocols, asked.mode)()
    with watching(asked_of_solves(work.cancel)):
        grid = sscell.sweep(cell, axes, protocol, store=store, on_progress=tell)
    reasons = [str(reason) for reason in grid["failure"].values.ravel() if str(reason)]
    if len(reasons) == grid["failure"].size:
        raise SimulationError(f"All points failed; the first: {reasons[0]}")
    return {"figures": _figures(grid, list(axes)), "failures": reasons}


def _teller(work: Work) -> Callable[[float, str], None]:
    """Tells each point; a map that was cancelled ends there."""
    from sscell.solver.cancelling import Cancelled

    def tell(share: float, text: str) -> None:
        if work.cancel.cancelled:
            raise Cancelled("Cancelled between two points.")
        work.tell(share=share, text=text)

    return tell


def design(work: Work, asked: Design, cell: str) -> dict[str, Any]:
    """Energy of a stack over the thickness of its layers.

    Parameters
    ----------
    work : Work
        Hears of each point.
    asked : Design
        Thicknesses and rates.
    cell : str
        Where the cell is.

    Returns
    -------
    dict
        ``figures`` by quantity, ``rows``, ``best`` and ``assumed``.
    """
    from sscell.solver.watch import asked as asked_of_solves
    from sscell.solver.watch import watching
    from sscell.sweeps.cell_level import design as energies

    tell = _teller(work)
    with watching(asked_of_solves(work.cancel)):
        result = energies(cell, on_progress=tell, **asked.arguments())
    if not result["best"]:
        failures = [row["failure"] for row in result["rows"]]
        raise SimulationError(f"No point could be computed: {failures[0]}")
    keys = {"energy_Wh_kg": "Energy of the stack [Wh/kg]", "energy_Wh_L": "Energy [Wh/L]",
            "capacity_mAh_g": "Capacity [mAh/g]", "power_W_kg": "Power [W/kg]"}  # fmt: skip
    return {
        "figures": {
            title: _over_thickness(result["rows"], k, title) for k, title in keys.items()
        },
        "rows": result["rows"],
        "best": result["best"],
        "assumed": result["assumed"],
    }


def _over_thickness(rows: list[dict[str, Any]], key: str, title: str) -> dict[str, Any]:
    from sscell.plots.charts import chart, line

    groups: dict[tuple[Any, str], list[dict[str, Any]]] = {}
    for row in rows:
        if not row["failure"]:
            place = row["separator_thickness_um"], row["rate"]
            groups.setdefault(place, []).append(row)
    several = len({place[0] for place in groups}) > 1
    traces = [
        line(
            [row["thickness_um"] for row in own],
            [row[key] for row in own],
            rate + (f", separator {separator:.3g} µm" if several else ""),
            mode="lines+markers",
        )
        for (separator, rate), own in groups.items()
    ]
    return chart(traces, "Cathode thickness [µm]", title, yaxis={"rangemode": "tozero"})


def _figures(grid: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    from sscell.plots.charts import chart, heat_map, line

    titles = [AXES[n].label if n in AXES else n for n in names]
    found: dict[str, dict[str, Any]] = {}
    for half in [str(h) for h in grid["half_cycle"].values]:
        part = grid.sel(half_cycle=half)
        for quantity, title in QUANTITIES.items():
            values = part[quantity].transpose(*reversed(names)).values
            x = part[names[0]].values.tolist()
            if len(names) == 2:
                y = part[names[1]].values.tolist()
                figure = heat_map(x, y, values, (titles[0], titles[1], title))
            else:
                marks = {"mode": "lines+markers"}
                places = range(len(x)) if names[0] == "rate" else x
                ticks = {"tickvals": list(places), "ticktext": [str(v) for v in x]}
                figure = chart([line(list(places), values, **marks)], titles[0], title,
                               xaxis=ticks)  # fmt: skip
            found[f"{title}, {half}"] = figure
    return found
