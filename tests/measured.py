"""Where the measured files are that the project does not carry."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
ROOT = Path(os.environ.get("SSCELL_DATA", _BESIDE))


def measured(*parts: str) -> Path:
    """A measured file; the test is skipped where it is absent."""
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"measured file '{'/'.join(parts)}' is not in {ROOT} (set SSCELL_DATA)")
    return path
