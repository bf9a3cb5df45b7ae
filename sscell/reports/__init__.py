"""Pages that hand a result on."""

from sscell.reports.fit import write_report

__all__ = ["write_report"]
