"""The table of parameters of a cell: which vary, between which bounds, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nicegui import ui

from sscell.app.bench import Bench
from sscell.app.pages.frame import number_text
from sscell.app.session import Session

__all__ = ["VaryTable", "bounds_for"]

_WIDE = 3.0  # bounds further apart than this factor: the slider is logarithmic
_FACTOR = 10.0  # either way, where the set gives no range


def bounds_for(parameter: dict[str, Any]) -> tuple[float, float]:
    """Bounds to start from: the range that the set gives, else a factor either way.

    Parameters
    ----------
    parameter : dict
        As of the task ``cells.shown``.

    Returns
    -------
    tuple of float
        [unit of the name].

    Examples
    --------
    >>> bounds_for({"value": 2.0, "lower": 0.0, "upper": 5.0})
    (0.2, 5.0)
    """
    value, lower, upper = (parameter[k] for k in ("value", "lower", "upper"))
    if parameter.get("range") and parameter["range"][0] < parameter["range"][1]:
        low, high = parameter["range"]
        return min(low, value), max(high, value)
    if value == 0:
        return max(lower, 0.0), min(upper, 1.0)
    one, other = value / _FACTOR, value * _FACTOR
    low, high = min(one, other), max(one, other)
    return float(f"{max(low, lower):.6g}"), float(f"{min(high, upper):.6g}")


class VaryTable:
    """Parameters with ticks; those that are ticked have bounds, and perhaps sliders.

    Parameters
    ----------
    bench : Bench
        Answers questions.
    session : Session
        Whose.
    on_change : callable
        Called when a tick, a bound or a slider has changed.
    sliders : bool, optional
        Whether values are set by hand too.
    """

    def __init__(
        self, bench: Bench, session: Session, on_change: Callable[[], None], sliders: bool
    ):
        self._bench, self._session = bench, session
        self._on_change, self._sliders = on_change, sliders
        # Shared by the pages: what is fitted is what is planned for.
        self._form = session.forms.setdefault("vary", {})
        self._known: dict[str, dict[str, Any]] = {}
        self.values: dict[str, float] = {}
        seek = (
            ui.input("Find a parameter").props("dense outlined clearable").classes("w-full")
        )
        columns = [
            {"name": k, "label": label, "field": k, "align": align, "sortable": True,
             "style": "white-space: normal"}
            for k, label, align in (("name", "Parameter", "left"), ("value", "Value", "right"),
                                    ("kind", "Kind", "left"), ("source", "Source", "left"))
        ]  # fmt: skip
        self._table = ui.table(
            rows=[], columns=columns, row_key="name", pagination=6, selection="multiple",
            on_select=self._tick,
        )  # fmt: skip
        self._table.props("flat dense wrap-cells").classes("w-full")
        self._table.bind_filter_from(seek, "value")
        self._ticked = ui.element("div").classes("stack")

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Bounds of those that vary [unit of the name]."""
        return {name: (low, high) for name, (low, high) in self._form.items()}

    async def load(self) -> None:
        """Fetch the parameters of the cell of the session."""
        about = await self._bench.ask(
            "cells.shown", cell=self._session.path(self._session.cell)
        )
        self._known = {p["name"]: p for p in about["parameters"]}
        for name in [n for n in self._form if n not in self._known]:
            del self._form[name]
        rows = [
            {"name": p["name"], "value": number_text(p["value"]), "kind": p["kind"],
             "source": p["source"]}
            for p in about["parameters"]
        ]  # fmt: skip
        self._table.update_rows(rows)
        self._table.selected = [row for row in rows if row["name"] in self._form]
        self.values = {n: self._known[n]["value"] for n in self._form}
        self._build()

    def take(self, session: Session) -> None:
        """The cell of the session is another one."""
        from sscell.app.pages.frame import later

        later(self.load)

    def _tick(self, event: Any) -> None:
        chosen = [row["name"] for row in event.selection]
        for name in [n for n in self._form if n not in chosen]:
            del self._form[name]
            self.values.pop(name, None)
        for name in chosen:
            if name not in self._form:
                self._form[name] = list(bounds_for(self._known[name]))
                self.values[name] = self._known[name]["value"]
        self._build()
        self._on_change()

    def _build(self) -> None:
        self._ticked.clear()
        with self._ticked:
            for name in self._form:
                self._one(name)

    def _one(self, name: str) -> None:
        low, high = self._form[name]
        ui.label(name)
        with ui.element("div").classes("pair"):
            for k, label in enumerate(("Lower bound", "Upper bound")):
                box = ui.number(
                    label,
                    value=(low, high)[k],
                    format="%.6g",
                    on_change=lambda e, k=k: self._bound(name, k, e.value),
                )
                box.props(f'outlined dense debounce=600 aria-label="{label} of {name}"')
        if self._sliders:
            self._slide(name)

    def _bound(self, name: str, which: int, value: float | None) -> None:
        if value is None or name not in self._form:
            return
        self._form[name][which] = float(value)
        self._on_change()

    def _slide(self, name: str) -> None:
        with ui.element("div").classes("sc-row slider"):
            said = ui.label(number_text(self.values[name])).classes("number")

            def slide(event: Any) -> None:
                low, high = self._form[name]
                self.values[name] = _at(event.value, low, high)
                said.set_text(number_text(self.values[name]))
                self._on_change()

            place = _place(self.values[name], *self._form[name])
            slider = ui.slider(min=0, max=1, step=0.005, value=place)
            slider.on_value_change(slide)
            slider.props(f'aria-label="{name}" dense')


def _is_wide(low: float, high: float) -> bool:
    return low > 0 and high / low > _WIDE


def _at(place: float, low: float, high: float) -> float:
    if _is_wide(low, high):
        return low * (high / low) ** place
    return low + place * (high - low)


def _place(value: float, low: float, high: float) -> float:
    if high <= low:
        return 0.0
    if _is_wide(low, high):
        share = math.log(max(value, low) / low) / math.log(high / low)
    else:
        share = (value - low) / (high - low)
    return min(max(share, 0.0), 1.0)
