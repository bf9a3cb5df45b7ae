"""Measured files and fits to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sscell.app.recipes.words import called, shell

__all__ = ["Fit", "Measured"]

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
        lines = [f"{self.variable} = " + called(f"sscell.read({self.file!r}", self.reading)]
        if self.choosing:
            lines.append(
                f"{self.variable} = "
                + called(f"sscell.select({self.variable}", self.choosing)
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
            read = called(f"sscell.read({one.file!r}", one.reading)
            lines.append(f"{one.variable} = {read}")
        named = ", ".join(f"{one.file!r}: {one.variable}" for one in self.data)
        pairs = [f"    {n!r}: ({low:g}, {high:g})," for n, (low, high) in self.vary.items()]
        call = called(f"sscell.fit({self.cell!r}, data, vary", self.options())
        lines += [
            f"data = {{{named}}}",
            *("vary = {", *pairs, "}"),
            f"found = {call}",
            "print(found)",
            f"found.save({stem + '.toml'!r})",
        ]
        for one in self.held_out:
            held = f"validate_fit(found, {one.variable}"
            lines.append(f"print({called(held, self.held_options(one))})")
        return "\n".join(lines)
