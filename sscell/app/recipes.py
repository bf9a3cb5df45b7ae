"""What a page asks for, said three ways: as a task, as a command and as Python lines."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "AXES",
    "CONDITIONS",
    "DESIGN",
    "KINDS",
    "Design",
    "Fit",
    "FormField",
    "Kind",
    "Measured",
    "Run",
    "Sweep",
    "notebook",
    "shell",
]


def shell(words: Sequence[str]) -> str:
    """A command as it is typed.

    Parameters
    ----------
    words : sequence of str
        Program and arguments.

    Returns
    -------
    str

    Examples
    --------
    >>> shell(["sscell", "show", "my cell.toml"])
    "sscell show 'my cell.toml'"
    """
    return shlex.join(words)


@dataclass(frozen=True)
class FormField:
    """A field of a form.

    Parameters
    ----------
    name : str
        Of the argument in Python.
    label : str
        On the page.
    flag : str
        Of the command.
    default : str, optional
        What stands in it.
    hint : str, optional
        What may be typed.
    choices : tuple of str, optional
        Where only these are allowed.
    kind : str, optional
        ``"text"``, ``"whole"`` or ``"list"``.
    """

    name: str
    label: str
    flag: str
    default: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    kind: str = "text"

    def value(self, text: str) -> Any:
        """What Python is given for what was typed.

        Parameters
        ----------
        text : str
            As typed.

        Returns
        -------
        object
        """
        if self.kind == "list":
            from sscell.units import split_list

            return split_list(text)
        if self.kind == "whole":
            from sscell.errors import ParameterError

            if not text.strip().isdigit():
                raise ParameterError(f"{self.label} must be a whole number, not '{text}'.")
            return int(text)
        return text


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
        In `sscell.analysis`: what its numbers are.
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
        "gitt",
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
        "rate",
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
        "cv",
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
        "eis",
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
        "cottrell",
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
            f"print(sscell.analysis.{kind.analysis}(run))",
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


_READING = ("mass", "area", "current_sign", "columns")
_CHOOSING = ("cycles", "half", "window", "drop")


@dataclass(frozen=True)
class Measured:
    """A measured file, and what is taken of it.

    Parameters
    ----------
    file : str
        Its name.
    mass, area, current_sign, columns : str, optional
        How it is read, as for `sscell.read`.
    cycles, half, window, drop : str, optional
        What is taken, as for `sscell.select`.

    Examples
    --------
    >>> print(Measured("d60.csv", mass="2 mg", cycles="3-5").python())
    d60 = sscell.read('d60.csv', mass='2 mg')
    d60 = sscell.select(d60, cycles='3-5')
    """

    file: str
    mass: str = ""
    area: str = ""
    current_sign: str = ""
    columns: str = ""
    cycles: str = ""
    half: str = ""
    window: str = ""
    drop: str = ""

    @property
    def reading(self) -> dict[str, str]:
        """What `sscell.read` is told."""
        return {n: getattr(self, n) for n in _READING if getattr(self, n)}

    @property
    def choosing(self) -> dict[str, str]:
        """What `sscell.select` is told."""
        return {n: getattr(self, n) for n in _CHOOSING if getattr(self, n)}

    @property
    def variable(self) -> str:
        """A name for it in Python."""
        name = "".join(c if c.isalnum() else "_" for c in self.file.rpartition(".")[0])
        return name if name[:1].isalpha() else f"data_{name}"

    def python(self) -> str:
        """The Python lines that read and choose."""
        lines = [f"{self.variable} = " + _after(f"sscell.read({self.file!r}", self.reading)]
        if self.choosing:
            lines.append(
                f"{self.variable} = "
                + _after(f"sscell.select({self.variable}", self.choosing)
            )
        return "\n".join(lines)

    def command(self, kind: str = "cycles") -> str:
        """The command that analyses it.

        Parameters
        ----------
        kind : str, optional
            Of the analysis.

        Returns
        -------
        str
        """
        words = ["sscell", "analyse", self.file, "--kind", kind]
        for name, text in {**self.reading, **self.choosing}.items():
            words += [f"--{name.replace('_', '-')}", text]
        return shell(words)


def _after(begun: str, arguments: Mapping[str, Any]) -> str:
    return begun + "".join(f", {n}={v!r}" for n, v in arguments.items()) + ")"


@dataclass(frozen=True)
class Fit:
    """A fit that was asked for.

    Parameters
    ----------
    cell : str
        Where it starts: a published cell, or the name of a TOML file.
    data, held_out : tuple of Measured
        What is fitted, and what is only predicted.
    vary : mapping of str to tuple of float
        Bounds by parameter.
    temperatures : mapping of str to str, optional
        By file [degC]; what is missing: the data's own, or the cell's.

    Examples
    --------
    >>> fit = Fit("Ji2024", (Measured("d.csv"),), {"R3 rate constant [s-1]": (1e-6, 1e-4)})
    >>> print(fit.command().partition(" --report")[0])
    sscell fit Ji2024 d.csv --vary 'R3 rate constant [s-1]=1e-06:0.0001'
    """

    cell: str
    data: tuple[Measured, ...]
    vary: Mapping[str, tuple[float, float]]
    held_out: tuple[Measured, ...] = ()
    temperatures: Mapping[str, str] = field(default_factory=dict)

    def _of_files(self, values: Sequence[str]) -> Any:
        """One for all files, or one each; None where nothing is said."""
        if not any(values):
            return None
        return values[0] if len(set(values)) == 1 else [value or None for value in values]

    def options(self) -> dict[str, Any]:
        """Arguments of `sscell.fit` beside cell, data and bounds."""
        celsius = [self.temperatures.get(one.file, "") for one in self.data]
        said = {"temperature": self._of_files(celsius)}
        for name in _CHOOSING:
            said[name] = self._of_files([getattr(one, name) for one in self.data])
        return {name: value for name, value in said.items() if value is not None}

    def held_options(self, one: Measured) -> dict[str, Any]:
        """Arguments of `validate_fit` for data that are held out.

        Parameters
        ----------
        one : Measured
            Which.

        Returns
        -------
        dict
        """
        celsius = self.temperatures.get(one.file, "")
        return ({"temperature": celsius} if celsius else {}) | one.choosing

    def command(self, stem: str = "fitted") -> str:
        """The command that does the same.

        Parameters
        ----------
        stem : str, optional
            Of the files that it writes.

        Returns
        -------
        str
        """
        words = ["sscell", "fit", self.cell, *(one.file for one in self.data)]
        for name, (low, high) in self.vary.items():
            words += ["--vary", f"{name}={low:g}:{high:g}"]
        for name, value in self.options().items():
            flag = "-T" if name == "temperature" else f"--{name}"
            for text in value if isinstance(value, list) else [value]:
                words += [flag, text or ""]
        for name in ("current_sign", "columns"):
            said = {getattr(one, name) for one in self.data} - {""}
            for text in sorted(said)[:1]:
                words += [f"--{name.replace('_', '-')}", text]
        for one in self.held_out:
            words += ["--hold-out", one.file]
        warm = {self.temperatures.get(one.file, "") for one in self.held_out} - {""}
        for text in sorted(warm)[:1]:
            words += ["--hold-out-temperature", text]
        return shell([*words, "--report", f"{stem}.html", "-o", f"{stem}.toml"])

    def python(self, stem: str = "fitted") -> str:
        """The Python lines that do the same.

        Parameters
        ----------
        stem : str, optional
            Of the files that it writes.

        Returns
        -------
        str
        """
        lines = ["import sscell", "from sscell.fitting import validate_fit", ""]
        if not self.held_out:
            lines.pop(1)
        for one in (*self.data, *self.held_out):
            read = _after(f"sscell.read({one.file!r}", one.reading)
            lines.append(f"{one.variable} = {read}")
        named = ", ".join(f"{one.file!r}: {one.variable}" for one in self.data)
        pairs = [f"    {n!r}: ({low:g}, {high:g})," for n, (low, high) in self.vary.items()]
        call = _after(f"sscell.fit({self.cell!r}, data, vary", self.options())
        lines += [
            f"data = {{{named}}}",
            *("vary = {", *pairs, "}"),
            f"found = {call}",
            "print(found)",
            f"found.save({stem + '.toml'!r})",
        ]
        for one in self.held_out:
            held = f"validate_fit(found, {one.variable}"
            lines.append(f"print({_after(held, self.held_options(one))})")
        return "\n".join(lines)


AXES: Mapping[str, FormField] = {
    "temperature": FormField("temperature", "Temperature [°C]", "-T", "25,60,90"),
    "pressure": FormField("pressure", "Stack pressure [MPa]", "--pressure", "5,20,80"),
    "rate": FormField("rate", "Rate", "-C", "C/20,C/10,C/5"),
}


@dataclass(frozen=True)
class Sweep:
    """A map that was asked for.

    Parameters
    ----------
    cell : str
        A published cell, or the name of a TOML file.
    axes : mapping of str to str
        Values, as typed, by axis: one of `AXES`, or a parameter.
    mode : str, optional
        ``"discharge"``, ``"charge"`` or ``"cycle"``.

    Examples
    --------
    >>> sweep = Sweep("Song2024", {"pressure": "20,50", "rate": "0.1C,1C"})
    >>> sweep.command()
    'sscell sweep Song2024 --pressure 20,50 -C 0.1C,1C --mode discharge'
    """

    cell: str
    axes: Mapping[str, str]
    mode: str = "discharge"

    def values(self) -> dict[str, list[Any]]:
        """Axes with their values, as `sscell.sweep` takes them.

        Returns
        -------
        dict

        Raises
        ------
        ParameterError
            If a value is no number.
        """
        from sscell.errors import ParameterError
        from sscell.units import split_list

        found: dict[str, list[Any]] = {}
        for name, text in self.axes.items():
            parts = split_list(text)
            if not parts:
                raise ParameterError(f"Give at least one value of {name}.")
            try:
                found[name] = parts if name == "rate" else [float(p) for p in parts]
            except ValueError:
                raise ParameterError(
                    f"The values of {name} must be numbers, not '{text}'."
                ) from None
        return found

    def command(self) -> str:
        """The command that does the same."""
        words = ["sscell", "sweep", self.cell]
        for name, text in self.axes.items():
            own = AXES.get(name)
            words += [own.flag, text] if own else ["--over", f"{name}={text}"]
        return shell([*words, "--mode", self.mode])

    def python(self) -> str:
        """The Python lines that do the same."""
        return "\n".join(
            [
                "import sscell",
                "",
                f"axes = {self.values()!r}",
                f"grid = sscell.sweep({self.cell!r}, axes, sscell.protocols.{self.mode}())",
                'print(grid.drop_dims("phase").to_dataframe())',
            ]
        )


DESIGN = (
    FormField("thickness", "Cathode thickness", "--thickness", "20um:200um",
              "20um:200um (eight points) or 30um,60um"),
    FormField("separator_thickness", "Separator thickness", "--separator-thickness", "",
              "empty: as it is; or 20um,500um"),
    FormField("rates", "Rates", "--rates", "C/10,1C", kind="list"),
    FormField("temperature", "Temperature [°C]", "-T", "", "empty: the cell's own"),
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """Energies of a stack that were asked for.

    Parameters
    ----------
    cell : str
        A published cell, or the name of a TOML file.
    options : mapping of str to str
        By names of `DESIGN`, as typed; empty ones are left out.

    Examples
    --------
    >>> Design("Ji2024", {"thickness": "20um,60um", "rates": "C/20"}).command()
    'sscell design Ji2024 --thickness 20um,60um --rates C/20'
    """

    cell: str
    options: Mapping[str, str]

    def _given(self) -> list[tuple[FormField, str]]:
        pairs = [(f, str(self.options.get(f.name) or "").strip()) for f in DESIGN]
        return [(f, text) for f, text in pairs if text]

    def arguments(self) -> dict[str, Any]:
        """Arguments of `sscell.sweeps.cell_level.design` beside the cell."""
        return {f.name: f.value(text) for f, text in self._given()}

    def command(self) -> str:
        """The command that does the same."""
        words = ["sscell", "design", self.cell]
        for f, text in self._given():
            words += [f.flag, text]
        return shell(words)

    def python(self) -> str:
        """The Python lines that do the same."""
        call = _after(f"design({self.cell!r}", self.arguments())
        lines = ["from sscell.sweeps.cell_level import design", "", f"result = {call}"]
        return "\n".join([*lines, 'for row in result["best"]:', "    print(row)"])


def notebook(cells: Sequence[str]) -> dict[str, Any]:
    """A notebook of Jupyter with these lines.

    Parameters
    ----------
    cells : sequence of str
        Python, cell by cell.

    Returns
    -------
    dict
        As JSON, the file.

    Examples
    --------
    >>> notebook(["import sscell"])["cells"][0]["source"]
    ['import sscell']
    """
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": text.splitlines(keepends=True),
            }
            for text in cells
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",
                                    "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }  # fmt: skip
