"""What the lab does, as frozen descriptions."""

from sscell.protocols.combining import at, then
from sscell.protocols.controlled import cv, hold, impedance, potential_step
from sscell.protocols.driving import drive
from sscell.protocols.galvanostatic import (
    charge,
    cycle,
    discharge,
    gitt,
    rate_test,
    rest,
)
from sscell.protocols.steps import Protocol, Step, checked, preparation, prepared

__all__ = [
    "Protocol",
    "Step",
    "at",
    "charge",
    "checked",
    "cv",
    "cycle",
    "discharge",
    "drive",
    "gitt",
    "hold",
    "impedance",
    "potential_step",
    "preparation",
    "prepared",
    "rate_test",
    "rest",
    "then",
]
