"""Menus of physics that a set may name: the package's own lines and those of other packages."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from sscell.errors import ParameterError, did_you_mean
from sscell.physics.quantity import Quantity

__all__ = ["Menu"]

_HERE = Path(__file__).parents[1]


@dataclass(frozen=True, eq=False)
class Menu:
    """Names that a set may give, and the class behind each.

    Parameters
    ----------
    what : str
        Of what, in messages: ``"cathode model"``.
    group : str
        Entry points of other packages that add lines, ``name = "module:Class"``.
    lines : mapping of str to str
        The package's own, in the same form. They come first.
    hosts : mapping of str to str, optional
        What reads the table of a line, where that can be had without its equations: else it
        is the attribute ``host_type`` of the class.
    said : mapping of str to str, optional
        What gives the quantities of a line without its equations, in the same way: else it
        is the class.

    Examples
    --------
    >>> menu = Menu("decoder", "sscell_no_such_group", {"plain": "json:JSONDecoder"})
    >>> menu.names()
    ('plain',)
    >>> menu.choose("plian")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: There is no decoder 'plian'. Did you mean 'plain'?
    """

    what: str
    group: str
    lines: Mapping[str, str]
    hosts: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    _chosen: dict[str, Any] = field(default_factory=dict, repr=False)

    def names(self) -> tuple[str, ...]:
        """Every line: the package's own first, then those of other packages."""
        others = {entry.name for entry in entry_points(group=self.group)}
        return (*self.lines, *sorted(others - set(self.lines)))

    def choose(self, name: Any) -> Any:
        """Class of that name, imported when it is first asked for.

        Parameters
        ----------
        name : str
            As a set gives it.

        Returns
        -------
        type

        Raises
        ------
        ParameterError
            If there is none, two packages claim it, or it cannot be imported.
        """
        key = str(name)
        if key not in self._chosen:
            self._chosen[key] = self._load(key)
        return self._chosen[key]

    def host(self, name: Any) -> Any:
        """What reads the table of a line.

        Parameters
        ----------
        name : str
            As a set gives it.

        Returns
        -------
        type or None
            None where it reads none.

        Raises
        ------
        ParameterError
            As from `choose`.
        """
        key = str(name)
        if key in self.hosts:
            return self._import(key, self.hosts[key])
        if key in self.said:
            return None
        return getattr(self.choose(key), "host_type", None)

    def quantities(self, name: Any) -> tuple[Quantity, ...]:
        """What a set may say of a line that reads no table.

        Parameters
        ----------
        name : str
            As a set gives it.

        Returns
        -------
        tuple of Quantity

        Raises
        ------
        ParameterError
            As from `choose`.
        """
        key = str(name)
        if key in self.said:
            return self._import(key, self.said[key])()
        return self.choose(key).quantities()

    def source(self, name: Any) -> str:
        """What tells one state of another package's code from the next, as what is cached must.

        Parameters
        ----------
        name : str
            As a set gives it.

        Returns
        -------
        str
            Digest of the files of the package that the class comes from; nothing for this
            package's own.
        """
        told = importlib.util.find_spec(self._where(str(name)).partition(":")[0])
        if told is not None and Path(str(told.origin)).is_relative_to(_HERE):
            return ""
        module = sys.modules[self.choose(name).__module__]
        path = Path(str(module.__file__))
        top = sys.modules[module.__name__.partition(".")[0]]
        roots = [Path(root) for root in getattr(top, "__path__", ())]
        files = [path] if top is module and not roots else sorted(path.parent.glob("*.py"))
        for root in roots:
            if path.is_relative_to(root):
                files = sorted(root.rglob("*.py"))
        return hashlib.sha256(b"".join(map(Path.read_bytes, files))).hexdigest()

    def _load(self, name: str) -> Any:
        return self._import(name, self._where(name))

    def _where(self, name: str) -> str:
        return self.lines.get(name) or self._other(name).value

    def _import(self, name: str, where: str) -> Any:
        module, _, thing = where.partition(":")
        try:
            return getattr(importlib.import_module(module), thing)
        except (ImportError, AttributeError) as error:
            raise ParameterError(
                f"The {self.what} '{name}' cannot be imported from '{where}': {error}."
            ) from error

    def _other(self, name: str) -> EntryPoint:
        found = {entry.value: entry for entry in entry_points(group=self.group, name=name)}
        if not found:
            hint = did_you_mean(name, self.names())
            raise ParameterError(f"There is no {self.what} '{name}'. {hint}")
        if len(found) > 1:
            raise ParameterError(
                f"Two packages give a {self.what} '{name}': {' and '.join(sorted(found))}."
            )
        return next(iter(found.values()))
