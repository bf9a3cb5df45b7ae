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

# Storeys from the ground up: a folder imports only from lower ones, never from its own storey.
LAYERS = (
    ("errors",),
    ("units", "tables"),
    ("dataset", "protocols"),
    ("segments",),
    ("physics",),
    ("cells", "solver", "readers", "analysis", "optimisers"),
    ("simulation",),
    ("fitting", "sweeps", "papers"),
    ("testing", "plots", "interchange"),
    ("reports",),
    ("bench",),
    ("app",),
    ("cli",),
    ("__main__",),
)
STOREY = {part: storey for storey, parts in enumerate(LAYERS) for part in parts}
# The data side knows no simulator, and the solver no cell.
APART = {
    "readers": {"physics", "protocols"},
    "analysis": {"physics", "protocols"},
    "solver": {"physics", "protocols", "dataset"},
    "optimisers": {"physics", "protocols", "dataset"},
}
LOOSE = 7  # modules that may stand in the package itself


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
    if _part(p) != "__init__" and "parameter_sets" not in p.parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_folder_imports_only_what_stands_below_it(path):
    own = _part(path)
    assert own in STOREY, f"{own} has no storey"
    used = {m.split(".")[1] for m in _imports(path) if m.startswith("sscell.")} - {own}
    above = {part for part in used if STOREY.get(part, -1) >= STOREY[own]}
    assert not above
    assert not used & APART.get(own, set())


def test_every_storey_is_there_and_few_modules_stand_loose():
    parts = {_part(p) for p in ROOT.rglob("*.py") if "parameter_sets" not in p.parts}
    assert parts - {"__init__"} <= set(STOREY)
    assert len(list(ROOT.glob("*.py"))) <= LOOSE


@pytest.mark.parametrize(
    "part", ["analysis", "readers", "segments", "dataset", "units", "errors"]
)
def test_analysis_and_data_know_nothing_of_the_simulator(part):
    for path in FILES:
        if _part(path) == part:
            assert not [m for m in _imports(path) if m.split(".")[0] == "pybamm"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_plots_import_matplotlib(path):
    if _part(path) not in ("plots", "reports"):
        assert not [m for m in _imports(path) if m.split(".")[0] == "matplotlib"]


def _defines_submodel(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ClassDef)
        and "pybamm.BaseSubModel" in map(ast.unparse, node.bases)
        for node in tree.body
    )


def test_submodels_do_not_import_each_other():
    submodels = [path for path in FILES if _defines_submodel(path)]
    assert len(submodels) >= 9
    names = {
        "sscell." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in submodels
    }
    for path in submodels:
        assert not names & set(_imports(path))


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
    heavy = {
        "pybamm",
        "matplotlib",
        "xarray",
        "scipy",
        "pandas",
        "casadi",
        "numpy",
        "pydantic",
    }
    assert not _loaded("import sscell") & heavy


def test_help_imports_neither_pybamm_nor_matplotlib():
    code = "import sscell.cli\ntry: sscell.cli.main(['--help'])\nexcept SystemExit: pass"
    assert not _loaded(code) & {"pybamm", "matplotlib", "xarray", "casadi", "pydantic"}


def test_reading_a_protocol_does_not_import_pybamm():
    assert "pybamm" not in _loaded("import sscell; sscell.cycle('C/20')")


def test_reading_a_cell_imports_no_simulator():
    code = "import sscell\nfor n in ('Ji2024', 'Liang2023', 'Pan2023', 'Song2024', 'Chang2024'): "
    code += "sscell.load(n).replace({'Electrode area [m2]': 1e-4}).describe()"
    assert not _loaded(code) & {
        "pybamm",
        "casadi",
        "scipy",
        "pandas",
        "xarray",
        "matplotlib",
    }


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "Ji2024"], ["materials"], ["analyse", "--help"]]
)
def test_commands_that_only_read_import_no_simulator(arguments):
    code = "import sscell.cli\nimport io, contextlib\nwith contextlib.redirect_stdout(io."
    code += f"StringIO()):\n try: sscell.cli.main({arguments})\n except SystemExit: pass"
    assert not _loaded(code) & {"pybamm", "casadi", "scipy", "xarray", "matplotlib"}


def test_public_names_are_few_and_resolve():
    names = [n for n in sscell.__all__ if n != "__version__"]
    assert len(names) == len(set(names)) <= 26
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


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.name != "__main__.py"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
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
