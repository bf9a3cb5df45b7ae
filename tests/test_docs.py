"""Pages of docs: their commands run."""

import re
import shlex
from pathlib import Path

import pytest

from sscell.cli import main

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def commands(page):
    """Lines of the page's shell blocks, without the word sscell."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("sscell ")]


def run(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert left.value.code in (0, None), f"{shlex.join(arguments)}: {said.err}"
    return said.out


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_commands_of_the_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        run(arguments, capsys)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_cells_of_the_page_are_made_and_its_options_exist(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for arguments in commands(page):
        if arguments[0] in ("new", "check"):
            run(arguments, capsys)
            continue
        known = run([arguments[0], "--help"], capsys)
        for option in [a for a in arguments if re.match(r"--?[a-zA-Z]", a)]:
            assert option in known, f"{arguments[0]} has no {option}"
