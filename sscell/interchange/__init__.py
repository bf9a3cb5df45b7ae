"""What goes to other tools and comes from them: cyclers, materials, descriptions of claims."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "cycler_protocol": "cycler",
    "material_from_bpx": "bpx",
    "linked_data": "linked",
    "write_cycler_protocol": "cycler",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sscell.interchange' has no attribute '{name}'")
    return getattr(importlib.import_module(f"sscell.interchange.{_HOMES[name]}"), name)
