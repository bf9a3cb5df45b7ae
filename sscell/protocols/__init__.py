"""What the lab does, as frozen descriptions."""

from sscell.protocols.controlled import cv, hold, impedance, potential_step
from sscell.protocols.galvanostatic import (
    at,
    charge,
    cycle,
    discharge,
    gitt,
    rate_test,
    rest,
    then,
)
from sscell.protocols.steps import Protocol, Step, preparation

__all__ = [
    "Protocol",
    "Step",
    "at",
    "charge",
    "cv",
    "cycle",
    "discharge",
    "gitt",
    "hold",
    "impedance",
    "potential_step",
    "preparation",
    "rate_test",
    "rest",
    "then",
]
