"""Tables of TOML files, checked: which keys they may have, and what a wrong one is told.

Every file that a person may write (a parameter set, a table of observables, a material) is
described by models that derive from `Table`. `read_table` checks a file against its model;
the first fault is one sentence that names the key, the nearest name or what is allowed.
`html_table` is how a notebook shows a table of results, `csv_text` how a file keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from sscell.errors import ParameterError, did_you_mean

__all__ = ["Pair", "Table", "csv_text", "fault", "html_table", "json_schema", "read_table"]

Loc = tuple[int | str, ...]
Model = TypeVar("Model", bound="Table")

Pair = Annotated[list[float], Field(min_length=2, max_length=2)]

# What a value must be, by pydantic's name of the fault.
_MUST = {
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "text",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "model_type": "a table",
}
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
# Tables whose keys are names that people choose, and what their entries are called.
_NAMED = {
    "parameters": "",
    "vary": "",
    "runs": "run ",
    "rivals": "rival ",
    "variants": "variant ",
}


class Table(BaseModel):
    """A table of a file: no keys but its own, and no type but the one that is asked for.

    Examples
    --------
    >>> class Basis(Table):
    ...     mass: str
    >>> read_table(Basis, {"mas": "cathode"}, "mine.toml")
    Traceback (most recent call last):
    ...
    sscell.errors.ParameterError: mine.toml has an unknown key 'mas'. Did you mean 'mass'?
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def fault(predicate: str, whole: bool = False) -> PydanticCustomError:
    """Error for a model's own checks: what is wrong, said of the entry that has it.

    Parameters
    ----------
    predicate : str
        Without its subject, such as ``"is assumed but has no range"``.
    whole : bool, optional
        Whether it is said of the table that an entry stands in.

    Returns
    -------
    pydantic_core.PydanticCustomError
        To be raised inside a validator.
    """
    kind = "fault_of_table" if whole else "fault"
    return PydanticCustomError(kind, "{said}", {"said": predicate})


def json_schema(model: type[Table], title: str) -> dict[str, Any]:
    """JSON schema of a file, for editors that complete and check as one types.

    Parameters
    ----------
    model : type of Table
        Of the whole file.
    title : str
        What the file is.

    Returns
    -------
    dict
        By the draft of 2020-12.
    """
    schema = model.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": title,
    }


def read_table(model: type[Model], content: Mapping[str, Any], where: str) -> Model:
    """Check the content of a file, or of a part of it.

    Parameters
    ----------
    model : type of Table
        What it should be.
    content : mapping
        As `tomllib` reads it.
    where : str
        Name of the file, for the message.

    Returns
    -------
    Table
        An instance of the model.

    Raises
    ------
    ParameterError
        One sentence about the first fault; a misspelled key goes before what it leaves
        missing.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        unknown = [f for f in faults if f["type"] in _UNKNOWN]
        schema = model.model_json_schema(by_alias=True)
        sentence = _sentence((unknown or faults)[0], schema, content)
        raise ParameterError(f"{where}{sentence}") from None


def _sentence(
    found: ErrorDetails, schema: Mapping[str, Any], content: Mapping[str, Any]
) -> str:
    """What follows the name of the file."""
    kind, loc = found["type"], _inside(found, content)
    if kind in _UNKNOWN:
        key, place = str(loc[-1]), _place(loc[:-1], content)
        known = _at(schema, loc[:-1]).get("properties", {})
        what = "table" if len(loc) == 1 and isinstance(found["input"], Mapping) else "key"
        hint = did_you_mean(key, known)
        return f"{_of(place)} has an unknown {what} '{key}'. {hint}".rstrip()
    if kind == "missing":
        return f"{_of(_place(loc[:-1], content))} has no '{loc[-1]}'."
    about = found.get("ctx", {})
    if kind == "value_error":
        return f": {about['error']}"
    if kind == "fault_of_table":
        return f"{_of(_place(loc[:-1], content))} {about['said']}."
    said = f"{_of(_subject(loc, content))} {_predicate(found, _at(schema, loc), loc)}"
    return said if said.endswith("?") else f"{said}."


def _predicate(found: ErrorDetails, node: Mapping[str, Any], loc: Loc) -> str:
    kind, given, about = found["type"], found["input"], found.get("ctx", {})
    if kind.startswith("fault"):
        return str(about["said"])
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", about["expected"])
        near = did_you_mean(str(given), allowed)
        hint = f". {near}" if near.startswith("Did") else ""
        return f"is {given!r}; allowed: {', '.join(allowed)}{hint}"
    if kind in ("model_type", "dataclass_type") and len(loc) > 1 and node.get("required"):
        return f"needs {_listed(node['required'], loc)}, not {given!r}"
    if kind in _MUST:
        return f"must be {_MUST[kind]}, not {given!r}"
    return f"is {given!r}: {found['msg'][0].lower()}{found['msg'][1:]}"


def _listed(keys: Sequence[str], loc: Loc) -> str:
    """Keys in words: an entry of a named table has them all, others one of each."""
    words = keys if loc[-2] in _NAMED else [f"a {key}" for key in keys]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _inside(found: ErrorDetails, content: Any) -> Loc:
    """Keys and numbers that lead to the fault, without pydantic's names of alternatives."""
    inside: list[int | str] = []
    for step in found["loc"]:
        try:
            content = content[step]
        except (IndexError, KeyError, TypeError):
            if found["type"] == "missing":
                inside.append(step)
            break
        inside.append(step)
    return tuple(inside)


def _subject(loc: Loc, content: Any) -> str:
    """What a sentence about a value begins with."""
    if not loc:
        return ""
    place = _place(loc[:-1], content)
    last = loc[-1]
    if place.startswith("'") and last == "value":
        return place
    if isinstance(last, int) or (len(loc) > 1 and loc[-2] in _NAMED):
        return _place(loc, content)
    return f"'{last}'" + (f" of {place}" if place else "")


def _place(loc: Loc, content: Any) -> str:
    """A table in words: ``[bases.capacity]``, or the name of a row or a value."""
    name, keys = "", []
    for number, step in enumerate(loc):
        content = content[step]
        if isinstance(step, int):
            own = content.get("id", content.get("name")) if _is_table(content) else None
            name, keys = f"'{own or f'{loc[number - 1]} {step + 1}'}'", []
        elif number and loc[number - 1] in _NAMED:
            above = f" of {name}" if name else ""
            name, keys = f"{_NAMED[str(loc[number - 1])]}'{step}'{above}", []
        else:
            keys.append(str(step))
    if not keys:
        return name
    return f"[{'.'.join(keys)}]" + (f" of {name}" if name else "")


def _is_table(content: Any) -> bool:
    return isinstance(content, Mapping)


def _of(place: str) -> str:
    return f": {place}" if place else ""


def _at(schema: Mapping[str, Any], loc: Loc) -> Mapping[str, Any]:
    """Part of a schema that describes what stands at a place."""
    node = schema
    for step in loc:
        for each in _alternatives(schema, node):
            below = each.get("properties", {}).get(step) or each.get(
                "items" if isinstance(step, int) else "additionalProperties"
            )
            if below:
                node = below
                break
        else:
            return {}
    return next(_alternatives(schema, node), {})


def _alternatives(
    schema: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Descriptions that a node offers, with its references followed."""
    if "$ref" in node:
        yield from _alternatives(schema, schema["$defs"][node["$ref"].split("/")[-1]])
        return
    for each in node.get("anyOf", ()):
        yield from _alternatives(schema, each)
    if "anyOf" not in node:
        yield node


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    r"""A table as comma-separated values.

    Parameters
    ----------
    rows : sequence of mapping
        Column to value; a column that a row lacks stays empty.

    Examples
    --------
    >>> csv_text([{"a": 1, "b": "x, y"}, {"a": 2}])
    'a,b\r\n1,"x, y"\r\n2,\r\n'
    """
    import csv
    import io

    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, list(dict.fromkeys(name for row in rows for name in row))
    )
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def html_table(
    title: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str] = ()
) -> str:
    """A table as a notebook shows it.

    Parameters
    ----------
    title : str
        Above it.
    rows : sequence of mapping
        Column to value; numbers are shown with six digits.
    notes : sequence of str, optional
        Below it.

    Returns
    -------
    str
        HTML, all text escaped.

    Examples
    --------
    >>> html_table("a < b", [{"x": 1.0}])[:20]
    '<p><b>a &lt; b</b></'
    """
    import html

    import pandas as pd

    frame = pd.DataFrame(list(rows))
    table = frame.to_html(index=False, border=0, float_format="{:.6g}".format)
    below = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    listed = f"<ul>{below}</ul>" if below else ""
    return f"<p><b>{html.escape(title)}</b></p>{table if len(frame) else ''}{listed}"
