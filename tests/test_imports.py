"""Who may import whom, and what importing the package costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import sscell

ROOT = Path(sscell.__file__).parent

# Part of the package -> parts of ours that it may import; units and errors are free.
ALLOWED = {
    "units": {"errors"},
    "errors": set(),
    "parameters": set(),
    "network": {"parameters"},
    "sites": {"parameters"},
    "mixed": {"parameters"},
    "domains": {"parameters", "sites"},
    "dataset": set(),
    "protocols": set(),
    "observables": {"parameters", "protocols"},
    "submodels": {"parameters", "network", "sites", "domains", "mixed"},
    "cell": {"parameters", "network", "sites", "domains", "mixed", "submodels"},
    "builder": {"parameters", "network", "submodels", "cell"},
    "model": {"cell", "submodels", "parameters", "network"},
    "cache": set(),
    "functions": set(),
    "compiling": {"cache", "functions"},
    "integrator": {"functions"},
    "engine": {"cache", "compiling", "functions", "integrator", "model", "cell"},
    "impedance": {"engine", "model", "cell"},
    "pellets": {"engine", "cell", "dataset"},
    "results": {"cell", "dataset", "engine", "model", "protocols"},
    "runner": {"engine", "impedance", "results", "model", "cell", "protocols", "dataset"},
    "simulation": {
        *("engine", "impedance", "results", "runner"),
        *("model", "cell", "protocols", "dataset"),
    },
    "fitting": {
        *("cell", "engine", "impedance", "model", "parameters", "protocols"),
        *("dataset", "plots", "simulation", "slopes"),
    },
    "readers": {"dataset"},
    "analysis": {"dataset"},
    "probes": {"dataset", "analysis"},
    "measures": {"dataset", "analysis", "probes"},
    "designs": {"cell", "protocols"},
    "store": set(),
    "processes": set(),
    "jobs": {"cell", "engine", "processes", "protocols", "simulation", "analysis"},
    "sweeps": {"designs", "store", "jobs", "cell", "protocols"},
    "bands": {"cell"},
    "validation": {
        *("bands", "pellets"),
        *("observables", "measures", "engine", "parameters"),
        *("cell", "protocols", "simulation", "dataset", "analysis"),
    },
    "slopes": set(),
    "minimax": {"slopes"},
    "refit": {
        *("observables", "measures", "validation", "engine", "cell", "parameters"),
        *("minimax", "slopes"),
    },
    "bench": {
        *("engine", "model", "cell", "simulation", "protocols", "sweeps"),
        *("fitting", "parameters", "processes"),
    },
    "plots": {"dataset", "analysis", "validation"},
    "report": {"dataset", "analysis", "validation"},
}
FREE = {"units", "errors"}


def _part(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(path):
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            if node.module == "sscell":
                yield from (f"sscell.{alias.name}" for alias in node.names)
            else:
                yield node.module


FILES = [
    p
    for p in sorted(ROOT.rglob("*.py"))
    if _part(p) not in ("cli", "__init__", "__main__") and "parameter_sets" not in p.parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_imports_only_what_stands_below_it(path):
    own = _part(path)
    used = {m.split(".")[1] for m in _imports(path) if m.startswith("sscell.")} - {own}
    assert own in ALLOWED, f"{own} has no place in the import table"
    assert used <= ALLOWED[own] | FREE


@pytest.mark.parametrize("part", ["analysis", "readers", "dataset", "units", "errors"])
def test_analysis_and_data_know_nothing_of_the_simulator(part):
    for path in FILES:
        if _part(path) == part:
            assert not [m for m in _imports(path) if m.split(".")[0] == "pybamm"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_plots_import_matplotlib(path):
    if _part(path) not in ("plots", "report"):
        assert not [m for m in _imports(path) if m.split(".")[0] == "matplotlib"]


def test_submodels_do_not_import_each_other():
    for path in FILES:
        if _part(path) == "submodels":
            assert not [m for m in _imports(path) if m.startswith("sscell.submodels")]


def test_command_modules_import_the_package_only_inside_functions():
    """Else `sscell --help` would wait for PyBaMM; errors and the commands' own are light."""
    for path in (ROOT / "cli").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "sscell"
            ):
                assert node.module.split(".")[1] in ("cli", "errors"), path.name


def _loaded(code):
    script = f"import sys\n{code}\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_package_imports_no_heavy_library():
    heavy = {"pybamm", "matplotlib", "xarray", "scipy", "pandas", "casadi", "numpy"}
    assert not _loaded("import sscell") & heavy


def test_help_imports_neither_pybamm_nor_matplotlib():
    code = "import sscell.cli\ntry: sscell.cli.main(['--help'])\nexcept SystemExit: pass"
    assert not _loaded(code) & {"pybamm", "matplotlib", "xarray", "casadi"}


def test_reading_a_protocol_does_not_import_pybamm():
    assert "pybamm" not in _loaded("import sscell; sscell.cycle('C/20')")


def test_public_names_are_few_and_resolve():
    names = [n for n in sscell.__all__ if n != "__version__"]
    assert len(names) == len(set(names)) <= 20
    for name in names:
        assert getattr(sscell, name) is not None
    assert set(sscell.__all__) <= set(dir(sscell))


def test_modules_and_public_names_do_not_shadow_each_other():
    """With lazy names, `from sscell import x` must not find a module called x instead."""
    modules = {_part(p) for p in ROOT.rglob("*.py")}
    shared = modules & set(sscell.__all__)
    assert shared == {name for name, home in sscell._HOMES.items() if not home}


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="simulat"):
        _ = sscell.simulat


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_is_public(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    module = importlib.import_module(".".join(("sscell", *parts)))
    if path.name == "__init__.py" and not hasattr(module, "__all__"):
        assert not [
            n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)
        ]
        return
    for name in module.__all__:
        assert hasattr(module, name)
