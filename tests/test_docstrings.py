"""Docstrings: what, every argument, and the units of physical quantities."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

import sscell

ROOT = Path(sscell.__file__).parent
# Words that stand for a physical quantity in the name of an argument or a dataclass field.
_PHYSICAL = re.compile(
    r"(?:^|_)(temperature|voltage|current|time|duration|seconds|charge|capacity|area|mass|"
    r"kelvin|celsius|frequency|frequencies|smoothing|v_min|v_max|resistance|thickness|rate)"
    r"(?:_g|_C|s)?$"
)
_BRACKET = re.compile(r"\[[^\[\]]+\]")


def _modules():
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "parameter_sets" in parts or parts[-1].startswith("_"):
            continue
        yield importlib.import_module(".".join(("sscell", *parts)))


def _public():
    """Functions, classes and their public methods, each once."""
    for module in _modules():
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                for label, member in vars(thing).items():
                    if label.startswith("_"):
                        continue
                    function = getattr(member, "__func__", getattr(member, "fget", member))
                    if inspect.isfunction(function):
                        yield f"{module.__name__}.{name}.{label}", function


PUBLIC = dict(_public())


def _section(doc, title):
    """Text under a numpydoc heading."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", doc, re.M | re.S)
    return found.group(1) if found else ""


def _described(doc):
    """Names in the Parameters section, and the text of each."""
    names = {}
    for entry in re.split(r"\n(?=\S)", _section(doc, "Parameters")):
        head, _, body = entry.partition("\n")
        for name in head.partition(" : ")[0].split(","):
            if name.strip():
                names[name.strip().lstrip("*")] = head + "\n" + body
    return names


def _arguments(thing):
    if inspect.isclass(thing):
        if dataclasses.is_dataclass(thing):
            return [f.name for f in dataclasses.fields(thing) if not f.name.startswith("_")]
        protocol = getattr(thing, "_is_protocol", False)
        if protocol or thing.__init__ is object.__init__ or "__init__" not in vars(thing):
            return []
        thing = thing.__init__
    return [
        n
        for n in inspect.signature(thing).parameters
        if n not in ("self", "cls", "variables") and not n.startswith("_")
    ]


def _is_part(name):
    """PyBaMM calls these, with its own dictionary of variables."""
    return ".submodels." in name and name.count(".") > 3


def test_there_is_something_to_check():
    assert len(PUBLIC) > 60


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_starts_with_one_sentence(name):
    doc = inspect.getdoc(PUBLIC[name])
    assert doc, name
    first = doc.splitlines()[0]
    assert first.endswith((".", "``.", "?")) or ". " in first, first
    assert len(doc.splitlines()) == 1 or doc.splitlines()[1] == ""


@pytest.mark.parametrize("name", PUBLIC)
def test_every_argument_is_described(name):
    thing = PUBLIC[name]
    arguments = _arguments(thing)
    doc = inspect.getdoc(thing) or ""
    described = _described(doc)
    # One-line docstrings are for what has at most one obvious argument.
    if len(doc.splitlines()) == 1 and len(arguments) <= 1:
        return
    if (
        _is_part(name)
        or not described
        and all(f"`{a}`" in doc or a in doc for a in arguments)
    ):
        return
    assert set(arguments) - set(described) == set()
    assert set(described) - set(arguments) <= {"variables"}


def _physical():
    for name, thing in PUBLIC.items():
        for argument in _arguments(thing):
            if _PHYSICAL.search(argument):
                yield pytest.param(thing, argument, id=f"{name}({argument})")


@pytest.mark.parametrize(("thing", "argument"), _physical())
def test_a_physical_argument_has_its_unit(thing, argument):
    """A bracket such as [V], or a type that carries its own unit: text such as "30 min"."""
    doc = inspect.getdoc(thing) or ""
    text = _described(doc).get(argument, doc)
    carries = re.search(r"\bRate\b|callable|bool|xarray|``\"|\bstr\b", text)
    assert _BRACKET.search(text) or carries, text


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, f in PUBLIC.items()
        if inspect.isfunction(f) and "float" in str(inspect.signature(f).return_annotation)
    ],
)
def test_a_returned_number_has_its_unit(name):
    """Where a function returns a float, some bracket in the docstring gives a unit,
    ``[-]`` for a pure number, or a backtick names the argument that is the unit.
    """
    doc = inspect.getdoc(PUBLIC[name]) or ""
    returns = _section(doc, "Returns")
    unit = _BRACKET.search(doc) or "`unit`" in returns or "unit of the name" in doc
    assert unit or "units of the names" in doc or "dict of str to" in doc, doc
