"""What a user installs: the wheel and the source archive hold what they must."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import sscell

ROOT = Path(__file__).parent.parent
SETS = sorted(p.name for p in (ROOT / "parameter_sets").glob("*.toml"))

pytestmark = pytest.mark.skipif(
    not (importlib.util.find_spec("build") and importlib.util.find_spec("hatchling")),
    reason="building needs the packages build and hatchling",
)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Wheel and source archive, built without the network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(
        [*command, "--wheel", "--sdist", str(ROOT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(archives):
    with zipfile.ZipFile(archives[0]) as opened:
        yield opened


@pytest.fixture(scope="module")
def sources(archives):
    with tarfile.open(archives[1]) as opened:
        return {name.partition("/")[2] for name in opened.getnames()}


def test_wheel_holds_every_parameter_set(wheel):
    inside = sorted(
        n.rpartition("/")[2]
        for n in wheel.namelist()
        if n.startswith("sscell/parameter_sets/")
        and n.endswith(".toml")
        and n.count("/") == 2  # tables of observables lie one folder deeper
    )
    assert inside == SETS
    assert SETS


def test_wheel_holds_every_module(wheel):
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "sscell").rglob("*.py")}
    beside = {"sscell/py.typed", "sscell/plots/figures.mplstyle"}
    assert modules | beside <= set(wheel.namelist())


def test_the_version_is_the_same_everywhere(archives):
    built = archives[0].name.split("-")[1]
    assert built == sscell.__version__
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)
    assert cited is not None and cited[1] == sscell.__version__


def test_wheel_holds_the_licence_and_nothing_beside_the_package(wheel):
    names = wheel.namelist()
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert {n.split("/")[0].split("-")[0] for n in names} == {"sscell"}
    assert not [n for n in names if "tests" in n or n.endswith(".pyc")]


def test_wheel_declares_the_entry_points(wheel):
    name = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.optionxform = str
    points.read_string(wheel.read(name).decode())
    assert points["console_scripts"]["sscell"] == "sscell.cli:main"
    assert points["pybamm_models"]["SolidStateCell"] == "sscell.cells.model:SolidStateCell"
    families = sorted(Path(n).stem for n in SETS)
    assert sorted(points["pybamm_parameter_sets"]) == families


def test_unpacked_wheel_finds_its_parameter_sets(wheel, tmp_path):
    """Outside of the checkout, on its own: the set beside the modules is the one read."""
    wheel.extractall(tmp_path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import sscell\n"
        "cell = sscell.load('Ji2024'); print(cell.parameters.path); print(sscell.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    for line in done.stdout.split():
        assert Path(line).resolve().is_relative_to(tmp_path.resolve())


def test_source_archive_holds_what_building_and_testing_need(sources):
    assert {f"parameter_sets/{name}" for name in SETS} <= sources
    assert {"LICENSE", "README.md", "pyproject.toml", "tests/conftest.py"} <= sources
    assert not [n for n in sources if n.startswith((".venv", "dist", ".git/"))]
