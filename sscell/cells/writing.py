"""The only writer of parameter sets: what stays the same keeps its comments and its place.

A set that was read from a file is written as that file with its changes; what another hand
wrote into it, such as comments and the order of values, is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Comment, InlineTable, Whitespace

from sscell.cells.entries import Parameter
from sscell.cells.library import find
from sscell.cells.parameters import NEUTRAL, ParameterSet
from sscell.errors import ParameterError

__all__ = ["check_target", "rewrite_values", "write_set"]


def check_target(path: Path, overwrite: bool = True) -> None:
    """Refuse a file before anything is computed for it.

    Parameters
    ----------
    path : pathlib.Path
        Where a set will be written.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    ParameterError
        If it is no ``.toml``, its folder does not exist, or it is there already.
    """
    if path.suffix.lower() != ".toml":
        raise ParameterError(f"'{path}' must end in .toml.")
    if not path.parent.is_dir():
        raise ParameterError(f"The folder '{path.parent}' does not exist.")
    if path.exists() and not overwrite:
        raise ParameterError(f"'{path}' exists; add --force to overwrite it.")


def write_set(
    parameters: ParameterSet, path: str | Path, heading: str | None = None
) -> Path:
    """Write a parameter set as TOML, each value on a line with its source.

    Parameters
    ----------
    parameters : ParameterSet
        Neutral defaults are left out: whoever reads the file adds them.
    path : str or pathlib.Path
        A ``.toml`` file in a folder that exists.
    heading : str, optional
        First comment, for the set of another cell than that of the file which it was read
        from: then the other comments keep only what stands before their colon.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "copy.toml"
    >>> copy = ParameterSet.load(write_set(ParameterSet.load("Ji2024"), path))
    >>> copy.name, copy.parameters == ParameterSet.load("Ji2024").parameters
    ('Ji2024', True)
    """
    path = Path(path)
    check_target(path)
    document = _source(parameters.path)
    if "variants" in document:
        del document["variants"]
        _drop_last_comments(document.get("parameters"))
    if heading is not None:
        _head(document, heading)
        if "parameters" in document:
            _keep_headings(document["parameters"])
    content = {**parameters.data, "name": parameters.name}
    for key in [k for k in document if k not in content and k != "parameters"]:
        del document[key]
    _update(document, content)
    if "parameters" not in document:
        document["parameters"] = tomlkit.table()
    _set_values(document["parameters"], parameters.parameters)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


def rewrite_values(
    source: str | Path, target: Path, parameters: Mapping[str, Parameter]
) -> None:
    """Copy a file with other values of a set or variant; all else stays as it is.

    Parameters
    ----------
    source : str or pathlib.Path
        A published cell or variant, or a TOML file.
    target : pathlib.Path
        TOML file to write.
    parameters : mapping of str to Parameter
        Values by name.

    Raises
    ------
    ParameterError
        If there is no such set.
    """
    path, variant = find(source)
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    stated = document if variant is None else document["variants"][variant]
    for name, parameter in parameters.items():
        _set_value(stated["parameters"], parameter, name)
    target.write_text(tomlkit.dumps(document), encoding="utf-8")


def _source(path: Path | None) -> Any:
    """Document that a set was read from, or an empty one."""
    if path is None or not path.is_file():
        return tomlkit.document()
    return tomlkit.parse(path.read_text(encoding="utf-8"))


def _update(table: Any, content: Mapping[str, Any]) -> None:
    """Change what differs; plain entries go before tables, as TOML asks."""
    for key, value in sorted(content.items(), key=lambda p: isinstance(p[1], Mapping)):
        old: Any = table.get(key)
        if isinstance(value, Mapping) and isinstance(old, MutableMapping):
            for gone in [k for k in old if k not in value]:
                del old[gone]
            _update(old, value)
        elif old is None or getattr(old, "unwrap", lambda old=old: old)() != value:
            table[key] = value


def _set_values(table: Any, parameters: Mapping[str, Parameter]) -> None:
    for name in [n for n in table if n not in parameters]:
        del table[name]
    for name, parameter in parameters.items():
        if parameter.source != NEUTRAL or name in table:
            _set_value(table, parameter, name)


def _set_value(table: Any, parameter: Parameter, name: str) -> None:
    """Enter a value in its line, unless that says the same."""
    old = table.get(name)
    if old is not None and Parameter(name=name, **old.unwrap()) == parameter:
        return
    table[name] = _entry(parameter)


def _entry(parameter: Parameter) -> InlineTable:
    entry = tomlkit.inline_table()
    said = parameter.as_dict()
    if parameter.range is not None:
        said["range"] = list(parameter.range)
    entry.update({k: x for k, x in said.items() if k not in ("name", "unit")})
    return entry


def _head(document: Any, heading: str) -> None:
    """Put a comment first, in place of the one that is there."""
    first = document.body[0][1] if document.body else None
    if isinstance(first, Comment):
        document.body[0] = (None, tomlkit.comment(heading))
    else:
        document.body.insert(0, (None, tomlkit.comment(heading)))


def _keep_headings(table: Any) -> None:
    """Cut comments to what they are about; what they say of it was true of another cell."""
    for number, (key, item) in enumerate(table.value.body):
        if isinstance(item, Comment):
            text = item.as_string().strip().lstrip("# ")
            comment = tomlkit.comment(text.partition(":")[0])
            table.value.body[number] = (key, comment)


def _drop_last_comments(table: Any) -> None:
    """Remove comments after the last value: they spoke of what followed."""
    body = table.value.body if table is not None else []
    while body and isinstance(body[-1][1], Comment | Whitespace):
        body.pop()
