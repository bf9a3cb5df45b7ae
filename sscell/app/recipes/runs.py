"""Simulations: the protocols of the laboratory with their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sscell.app.recipes.words import FormField, shell

__all__ = ["CONDITIONS", "KINDS", "Kind", "Run"]

_RATE = FormField("rate", "Rate", "-C", "", "C/20, 0.1C, 25mA/g, 0.2mA/cm2 or 50uA")


@dataclass(frozen=True)
class Kind:
    """A protocol of the laboratory.

    Parameters
    ----------
    title : str
        On the page.
    words : tuple of str
        Command, with what chooses the protocol.
    function : str
        In `sscell.protocols`.
    fields : tuple of FormField
        What it takes.
    analysis : str
        In `sscell`: what its numbers are.
    shells : int, optional
        Over the particle radius, where the command has others than 50.
    """

    title: str
    words: tuple[str, ...]
    function: str
    fields: tuple[FormField, ...]
    analysis: str = "summary"
    shells: int = 50


KINDS: Mapping[str, Kind] = {
    "cycle": Kind(
        "Cycles",
        ("simulate",),
        "cycle",
        (
            _RATE,
            FormField("cycles", "Cycles", "--cycles", "1", kind="whole"),
            FormField("rest", "Rest after each half cycle", "--rest", "", "such as 1h"),
            FormField("discharge_rate", "Discharge rate", "--discharge-rate", "",
                      "where it differs from the charge"),
            FormField("hold_until", "Hold the charged voltage to", "--hold-until", "", "C/50"),
        ),
    ),
    "discharge": Kind("Discharge", ("simulate", "--mode", "discharge"), "discharge", (_RATE,)),
    "charge": Kind("Charge", ("simulate", "--mode", "charge"), "charge", (_RATE,)),
    "gitt": Kind(
        "Titration (GITT)",
        ("gitt",),
        "gitt",
        (
            _RATE,
            FormField("pulse", "Pulse", "--pulse", "30min"),
            FormField("rest", "Rest", "--rest", "4h"),
            FormField("direction", "Direction", "--direction", "discharge",
                      choices=("discharge", "charge", "both")),
        ),
        "analysis.gitt",
    ),
    "rate": Kind(
        "Rate test",
        ("rate",),
        "rate_test",
        (
            FormField("currents", "Currents", "--currents", "C/20,C/10,C/5",
                      "in order, such as 25,50,100mA/g", kind="list"),
            FormField("cycles", "Cycles at each", "--cycles", "1", kind="whole"),
        ),
        "analysis.rate",
    ),
    "cv": Kind(
        "Cyclic voltammetry",
        ("cv",),
        "cv",
        (
            FormField("scan_rates", "Scan rates", "--scan-rate", "0.1mV/s",
                      "one or several, such as 0.1,0.2mV/s", kind="list"),
            FormField("window", "Window", "--window", "", "such as 0.5V,3V", kind="list"),
            FormField("cycles", "Cycles at each", "--cycles", "1", kind="whole"),
        ),
        "analysis.cv",
        200,
    ),
    "eis": Kind(
        "Impedance",
        ("eis",),
        "impedance",
        (
            FormField("along", "Along", "--along", "", "empty: as the cell is",
                      choices=("", "discharge", "charge", "both")),
            FormField("points", "Spectra along each half cycle", "--points", "", "5",
                      kind="whole"),
            FormField("rate", "Rate between them", "-C", "", "C/20"),
            FormField("rest", "Rest before each", "--rest", "1h"),
        ),
        "analysis.eis",
    ),
    "step": Kind(
        "Potential step",
        ("step",),
        "potential_step",
        (
            FormField("voltage", "Voltage", "--voltage", "", "against the cell's own anode: 1.9V"),
            FormField("duration", "Duration", "--duration", "2h"),
            FormField("rest", "Rest before it", "--rest", "1h"),
        ),
        "analysis.cottrell",
    ),
}  # fmt: skip
_PUBLISHED = ("simulate", "gitt", "rate")  # commands that do as a paper did, unless told
CONDITIONS = (
    FormField("temperature", "Temperature [°C]", "-T", "", "empty: the cell's own"),
    FormField(
        "state", "State at the start", "--state", "", "pristine, formed, 50% or 1.9V"
    ),
    FormField("pressure", "Stack pressure", "--pressure", "", "such as 50MPa"),
)


def _call(function: str, arguments: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{function}({inside})"


@dataclass(frozen=True)
class Run:
    """A simulation that was asked for.

    Parameters
    ----------
    cell : str
        A published cell, or the name of a TOML file.
    kind : str
        One of `KINDS`.
    options, conditions : mapping of str to str
        By names of fields, as typed; empty ones are left out.

    Examples
    --------
    >>> run = Run("Ji2024", "gitt", {"rate": "C/20", "pulse": "30min"}, {"temperature": "60"})
    >>> run.command()
    'sscell gitt Ji2024 -C C/20 --pulse 30min -T 60 --protocol plain'
    """

    cell: str
    kind: str = "cycle"
    options: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """In a few words."""
        rate = self.options.get("rate") or self.options.get("currents") or ""
        celsius = self.conditions.get("temperature", "")
        parts = [KINDS[self.kind].title.lower(), rate, f"{celsius} °C" if celsius else ""]
        return f"{self.cell}, " + ", ".join(part for part in parts if part)

    def _given(self) -> list[tuple[FormField, str]]:
        fields = (*KINDS[self.kind].fields, *CONDITIONS)
        said = {**self.options, **self.conditions}
        pairs = [(f, str(said.get(f.name) or "").strip()) for f in fields]
        return [(f, text) for f, text in pairs if text]

    def command(self) -> str:
        """The command that does the same."""
        words = [
            "sscell",
            KINDS[self.kind].words[0],
            self.cell,
            *KINDS[self.kind].words[1:],
        ]
        for f, text in self._given():
            words += [f.flag, text]
        if words[1] in _PUBLISHED:
            words += ["--protocol", "plain"]
        return shell(words)

    def protocol_arguments(self) -> dict[str, Any]:
        """Arguments of the protocol.

        Returns
        -------
        dict

        Raises
        ------
        ParameterError
            If one is not usable.
        """
        own = {f.name for f in KINDS[self.kind].fields}
        said = [(f, text) for f, text in self._given() if f.name in own]
        return {f.name: f.value(text) for f, text in said}

    def arguments(self) -> dict[str, Any]:
        """Other arguments of `sscell.simulate`."""
        own = {f.name for f in CONDITIONS}
        return {f.name: text for f, text in self._given() if f.name in own}

    def python(self) -> str:
        """The Python lines that do the same."""
        kind = KINDS[self.kind]
        protocol = _call(f"sscell.protocols.{kind.function}", self.protocol_arguments())
        arguments = "".join(f", {n}={v!r}" for n, v in self.arguments().items())
        lines = ["import sscell", ""]
        if kind.shells != Kind.shells:
            lines.insert(1, "from sscell.simulation.engine import Resolution")
            arguments += f", resolution=Resolution(shells={kind.shells})"
        lines += [
            f"cell = sscell.load({self.cell!r})",
            f"protocol = {protocol}",
            f"run = sscell.simulate(cell, protocol{arguments})",
            f"print(sscell.{kind.analysis}(run))",
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "cell": self.cell,
            "kind": self.kind,
            "options": dict(self.options),
            "conditions": dict(self.conditions),
        }
