"""How a command and a call in Python are written, and the fields that they come from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FormField", "called", "notebook", "shell"]


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


def called(begun: str, arguments: Mapping[str, Any]) -> str:
    """A call in Python, with what stands in it already and its named arguments.

    Parameters
    ----------
    begun : str
        Such as ``"sscell.read('d.csv'"``.
    arguments : mapping
        By name.

    Returns
    -------
    str

    Examples
    --------
    >>> called("f(1", {"x": 2})
    'f(1, x=2)'
    """
    return begun + "".join(f", {n}={v!r}" for n, v in arguments.items()) + ")"


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
