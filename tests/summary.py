"""One last line for several test runs: `python -m tests.summary REPORT.xml...` adds up their JUnit reports."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def counts(report: Path) -> dict[str, float]:
    """Tests, failures, errors, skipped and seconds of one report; an absent report counts as one error."""
    if not report.exists():
        return {"tests": 1, "errors": 1}
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 reports that this run itself wrote
    return {
        name: sum(float(suite.get(name) or 0) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped", "time")
    }


def summary(reports: list[Path]) -> tuple[str, bool]:
    """The line, and whether all went well."""
    total = {"tests": 0.0, "failures": 0.0, "errors": 0.0, "skipped": 0.0, "time": 0.0}
    for report in reports:
        for name, value in counts(report).items():
            total[name] += value
    passed = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    parts = {
        "failed": total["failures"],
        "passed": max(passed, 0),
        "skipped": total["skipped"],
        "errors": total["errors"],
    }
    text = ", ".join(f"{int(value)} {name}" for name, value in parts.items() if value)
    good = not total["failures"] and not total["errors"] and passed > 0
    return f" {text or 'no tests ran'} in {total['time']:.2f}s ".center(80, "="), good


if __name__ == "__main__":
    line, good = summary([Path(name) for name in sys.argv[1:]])
    print(line)
    sys.exit(not good)
