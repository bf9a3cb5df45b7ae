"""Functions of a model as a compiled library, where a compiler is at hand and it pays.

A library halves the time of a large model's solves and more of a small one's, and costs the
compiler a second to half a minute: as much as hundreds of solves. So it is made only when a
process has already integrated for as long as it will take, and kept for all later processes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import casadi
import numpy as np

from sscell.solver import cache
from sscell.solver.functions import Functions

__all__ = ["LONGEST", "allowed", "compiled", "expected_seconds"]

LONGEST = 30.0  # s: nobody waits longer for a compiler without having asked for it

_SWITCH = "SSCELL_COMPILE"
_FLAGS = ("-O1", "-fPIC", "-shared")
_NAMES = ("rhs", "events", "outputs", "algebraic", "algebraic_slopes")
_PART = 4000  # operations of one C function: a compiler's time grows faster than its length
_PER_OPERATION = 1.5e-4  # s of the compiler


def allowed() -> bool:
    """Whether compiling is allowed, possible and its result can be kept.

    Returns
    -------
    bool
        The environment variable ``SSCELL_COMPILE`` set to ``off`` forbids it.
    """
    forbidden = os.environ.get(_SWITCH, "").strip().lower() in ("off", "no", "0")
    return not forbidden and cache.folder() is not None and _compiler() is not None


def _compiler() -> str | None:
    return next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)


def expected_seconds(functions: Functions) -> float:
    """How long the compiler will take, about.

    Parameters
    ----------
    functions : Functions
        Not yet compiled.

    Returns
    -------
    float
        [s].
    """
    names = [n for n in (*_NAMES, "newton") if n in functions.texts]
    return _PER_OPERATION * sum(functions[n].n_instructions() for n in names)


def compiled(functions: Functions, make: bool = True) -> Functions | None:
    """The same functions from a library.

    Parameters
    ----------
    functions : Functions
        Not yet compiled.
    make : bool, optional
        Whether a library that is not there is made.

    Returns
    -------
    Functions or None
        None where there is none: no compiler, no place to keep it, or it failed.
    """
    texts = functions.texts
    about = [texts[n] for n in (*_NAMES, "newton") if n in texts]
    name = f"{cache.content_hash('library', *_FLAGS, *about)}.so"
    path = cache.place(name)
    if path is not None and cache.fetch(_beside(name)) != _checksum(path):
        # A part of it that is missing would end the process when it is called.
        _remove(path)
        path = None
    if path is None and make:
        path = _made(functions, name)
    if path is None:
        return None
    try:
        return _loaded(functions, path)
    except RuntimeError:  # damaged, or of another machine
        _remove(path)
        return None


def _beside(name: str) -> str:
    """Name of the file that has a library's checksum."""
    return f"{Path(name).stem}.sum"


def _checksum(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest().encode()
    except OSError:
        return b""


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it may be another user's
        path.unlink()


def _parts(functions: Functions) -> tuple[list[casadi.Function], np.ndarray]:
    """Newton matrix in parts, cells of the mesh together, and the order of their entries."""
    newton = functions["newton"]
    if newton.class_name() != "SXFunction":
        return [newton], np.arange(newton.nnz_out())
    count = max(newton.n_instructions() // _PART, 1)
    place = np.zeros(functions.states)
    for low, high in functions.slices.values():
        place[low:high] = np.arange(high - low) * count // (high - low)
    owner = place[np.array(functions.rows)]
    own = newton.sx_in()
    matrix: Any = newton(*own)
    entries: Any = casadi.vertcat(*matrix.nonzeros())
    members = [np.flatnonzero(owner == k) for k in range(count)]
    members = [m for m in members if m.size]
    parts = [
        casadi.Function(f"newton{k}", own, [entries[m.tolist()]])
        for k, m in enumerate(members)
    ]
    return parts, np.argsort(np.concatenate(members))


def _made(functions: Functions, name: str) -> Path | None:
    where, compiler = cache.folder(), _compiler()
    if where is None or compiler is None:
        return None
    beside = None
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=where) as folder:
            source, beside = Path(folder) / "library.c", Path(folder) / "library.so"
            generator = casadi.CodeGenerator("library.c", {"with_header": False})
            for part in (*_parts(functions)[0], *(functions[n] for n in _own(functions))):
                generator.add(part)
            source.write_text(generator.dump(), encoding="utf-8")
            command = [compiler, *_FLAGS, str(source), "-o", str(beside), "-lm"]
            subprocess.run(command, check=True, capture_output=True)
            if not cache.keep(_beside(name), _checksum(beside)):
                return None
            os.replace(beside, where / name)
        cache.trim(spared=(name, _beside(name)))
    except OSError as error:
        cache.complain(where, error)
        return None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        warnings.warn(
            f"The compiler failed ({last}): results are the same, but come more slowly.",
            stacklevel=2,
        )
        return None
    return where / name


def _own(functions: Functions) -> list[str]:
    return [n for n in _NAMES if n in functions.texts]


def _loaded(functions: Functions, path: Path) -> Functions:
    parts, order = _parts(functions)
    texts = {**functions.texts, "all outputs": functions.texts["outputs"]}
    for name in _own(functions):
        texts[name] = casadi.external(name, str(path)).serialize()
    newton = functions["newton"]
    own = [casadi.MX.sym(f"a{k}", newton.sparsity_in(k)) for k in range(newton.n_in())]
    entries = casadi.vertcat(
        *(
            casadi.densify(_column(casadi.external(p.name(), str(path))(*own)))
            for p in parts
        )
    )
    matrix = casadi.MX(newton.sparsity_out(0), entries[order.tolist()])
    texts["newton"] = casadi.Function("newton", own, [matrix]).serialize()
    return replace(functions, texts=texts)


def _column(values: casadi.MX) -> casadi.MX:
    return values if values.is_column() else casadi.vertcat(*values.nonzeros())
