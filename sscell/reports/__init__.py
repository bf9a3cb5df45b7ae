"""Pages that hand a result on."""

from sscell.reports.fit import write_report
from sscell.reports.results import (
    write_analysis_report,
    write_design_report,
    write_run_report,
    write_validation_report,
)

__all__ = [
    "write_analysis_report",
    "write_design_report",
    "write_report",
    "write_run_report",
    "write_validation_report",
]
