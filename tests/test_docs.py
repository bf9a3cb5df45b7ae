"""Pages of docs: their commands exist, their links lead somewhere, their names are names."""

import ast
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import available
from sscell.cells.materials import material_names
from sscell.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# Made when the pages are built, or brought for it.
_MADE = ("node_modules", "_kept", "_build", "jupyter_execute", "made")
PAGES = sorted(p for p in DOCS.rglob("*.md") if not set(_MADE) & set(p.parts))
TUTORIALS = [p for p in PAGES if p.parent.name == "tutorials" and p.stem != "index"]
# Every command runs as it stands; elsewhere some name the reader's own files.
WHOLE = [DOCS / "howto" / "from-pellet-to-cell.md"]

sys.path.insert(0, str(DOCS))


def _name(page):
    return str(page.relative_to(DOCS).with_suffix(""))


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def commands(page):
    """Lines of the page's shell blocks, without the word sscell."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line.partition(" > ")[0])[1:] for line in lines if _is_ours(line)]


def _is_ours(line):
    return line.startswith("sscell ")


def run(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert left.value.code in (0, None), f"{shlex.join(arguments)}: {said.err}"
    return said.out


@pytest.mark.slow
@pytest.mark.parametrize("page", WHOLE, ids=_name)
def test_commands_of_the_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        run(arguments, capsys)


def _complete(arguments):
    """Whether a command that makes or checks a cell names all it needs."""
    files = [a for a in arguments[1:] if a.endswith(".toml")]
    made = arguments[0] == "new" and not any(":" in a and ".toml:" in a for a in arguments)
    checked = arguments[0] == "check" and all(Path(f).is_file() for f in files)
    return "..." not in arguments and (made or checked)


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=_name)
def test_cells_of_the_page_are_made_and_its_options_exist(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for arguments in commands(page):
        if _complete(arguments):
            run(arguments, capsys)
            continue
        below = [a for a in arguments[:2] if a.isalpha() and a.islower()]
        depth = 2 if arguments[0] == "protocol" else 1
        known = run([*below[:depth], "--help"], capsys) if below else "--no-cache"
        for option in [a for a in arguments if re.match(r"--?[a-zA-Z]", a)]:
            assert option in known, f"{shlex.join(below)} has no {option}"


# Links ---------------------------------------------------------------------------------------


def _targets():
    """Pages that are made when the site is built, by their place under `reference/made`."""
    import typer
    from sheets.api import PAGES as interface

    from sscell.cli import app

    found = {f"cells/{name}.md" for name in (*available(), "index")}
    found |= {f"materials/{name}.md" for name in (*material_names(), "index")}
    found |= {f"commands/{name}.md" for name in typer.main.get_command(app).commands}
    found |= {f"api/{row[0]}.md" for row in interface}
    return found | {"commands/index.md", "api/index.md", "parameters.md"}


def _links(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    return [m for m in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in m]


def test_links_of_the_pages_lead_somewhere():
    made, root = _targets(), (DOCS / "reference" / "made").resolve()
    for page in PAGES:
        for link in _links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_relative_to(root):
                assert str(target.relative_to(root)) in made, f"{page.name}: {link}"
            else:
                assert target.exists(), f"{page.name}: {link}"


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for entries in re.findall(r"```\{toctree\}\n(.*?)```", text, re.S):
            for entry in entries.split():
                listed.add((page.parent / f"{entry}.md").resolve())
    assert {p.resolve() for p in PAGES} - listed == {(DOCS / "index.md").resolve()}


def test_links_of_the_readme_lead_somewhere():
    for link in _links(ROOT / "README.md"):
        assert (ROOT / link.partition("#")[0]).exists(), link


# Names ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known_names(tmp_path_factory):
    """Parameter names of all published sets and of a cell from parts."""
    from sscell.cells.parameters import ParameterSet
    from sscell.cells.parts import Parts, tables_of

    parts = Parts("mine", "NMC811:70", "Li6PS5Cl:27", ("Li6PS5Cl:100mg",), "Li-In:60mg",
                  carbon="3", cathode_mass="12mg", diameter="10mm")  # fmt: skip
    cells = [Cell.load(n) for n in available()]
    cells.append(Cell(ParameterSet.from_table(tables_of(parts))))
    return {q.name for cell in cells for q in cell.quantities}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_parameter_names_of_the_page_exist(page, known_names):
    text = page.read_text(encoding="utf-8")
    quoted = re.findall(r'"([A-Z][\w ().,-]+ \[[^\]"]+\])(?:=[^"]*)?"', text)
    variables = {"Discharge capacity [A.h]", "Voltage [V]", "Current function [A]"}
    columns = {"Time [s]", "Current [A]", "Temperature [degC]", "Z real [Ohm]"}
    cards = {q for q in quoted if q.startswith("Density")}
    allowed = known_names | variables | columns | cards | {"Z imaginary [Ohm]"}
    assert set(quoted) <= allowed, set(quoted) - allowed


def _attributes(code):
    """Dotted names after `sscell` that the code uses."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            parts = []
            while isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            if isinstance(node, ast.Name) and node.id == "sscell":
                yield parts[::-1]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sscell."):
            for alias in node.names:
                yield [*node.module.split(".")[1:], alias.name]


def _python(page):
    text = page.read_text(encoding="utf-8")
    cells = re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", text, re.S)
    cells = [re.sub(r"^(:tags:|!)(.*\\\n)*.*$", "", c, flags=re.M) for c in cells]
    return "\n".join([*cells, *blocks(page, "python")])


@pytest.mark.parametrize("page", [p for p in PAGES if _python(p)], ids=_name)
def test_python_of_the_page_names_what_exists(page):
    for parts in _attributes(_python(page)):
        thing = sscell
        for part in parts:
            if not hasattr(thing, part):
                importlib.import_module(f"{thing.__name__}.{part}")
            thing = getattr(thing, part)


# Tutorials -----------------------------------------------------------------------------------


def test_there_are_six_tutorials():
    assert len(TUTORIALS) == 6


@pytest.mark.parametrize("page", TUTORIALS, ids=_name)
def test_numbers_of_a_tutorial_are_asserted_where_they_are_made(page):
    """Cells run when the site is built, and an assertion that fails ends the build."""
    asserts = [n for n in ast.walk(ast.parse(_python(page))) if isinstance(n, ast.Assert)]
    assert len(asserts) >= 3
    assert all(not isinstance(n.test, ast.Constant) for n in asserts)


def test_kept_scores_are_of_cells_that_are_published():
    import scores

    kept = {p.stem for p in scores.FOLDER.glob("*.json")}
    assert kept <= set(available())
