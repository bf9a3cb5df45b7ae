"""Pages of docs: their commands run."""

import re
import shlex
from pathlib import Path

import pytest

from sscell.cli import main

DOCS = Path(__file__).parent.parent / "docs"


def commands(page):
    """Lines of the page's shell blocks, without the word sscell."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.strip()]


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.stem)
def test_commands_of_the_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        said = capsys.readouterr().err
        assert left.value.code in (0, None), f"{shlex.join(arguments)}: {said}"
