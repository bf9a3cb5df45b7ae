"""How long a file of a million rows takes to read, and how much memory: below 5 s and 1 GB."""

import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

ROWS = 1_000_000
HEADERS = {
    "numbers": "Test Time (s),Voltage (V),Current (mA),Step Index,Cycle Index,Capacity (mAh)",
    "clock, dates and names": "Total Time,Voltage(V),Current(mA),Step Type,Date",
}


def write(path: Path, kind: str) -> None:
    """Write half cycles of 20 000 s, a row a second."""
    t = np.arange(ROWS)
    half = t // 20_000
    share = t % 20_000 / 20_000
    i = np.where(half % 2 == 0, -1.0, 1.0)
    v = np.where(i < 0, 3 - share, 2 + share)
    q = t / 3600
    with path.open("w") as stream:
        stream.write(HEADERS[kind] + "\n")
        if kind == "numbers":
            table = np.column_stack([t, v, i, half + 1, half // 2 + 1, q])
            np.savetxt(stream, table, fmt="%.1f,%.5f,%.4f,%d,%d,%.6f")
            return
        date = np.datetime64("2024-01-01T00:00:00") + t.astype("timedelta64[s]")
        for n in range(ROWS):
            clock = f"{n // 3600:02d}:{n % 3600 // 60:02d}:{n % 60:02d}"
            name = "CC DChg" if i[n] < 0 else "CC Chg"
            day, hour = str(date[n]).split("T")
            stream.write(f"{clock},{v[n]:.5f},{i[n]:.4f},{name},{day} {hour}\n")


def main(kind: str) -> None:
    """Read one such file and print what it took as JSON."""
    import pandas  # noqa: F401, counted with the imports

    from sscell.readers import read

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        write(path, kind)
        begin, busy = time.perf_counter(), time.process_time()
        data = read(path)
        seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    took = {
        "kind": kind,
        "rows": data.sizes["time"],
        "seconds": round(seconds, 2),
        "processor_s": round(busy, 2),
        "peak_MB": round(peak),
        "recognised": data.attrs["recognised"],
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "numbers")
