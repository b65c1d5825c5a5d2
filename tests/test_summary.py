"""The last line of `./run test`."""

from pathlib import Path

import pytest

from tests.summary import summary

GOOD = '<testsuites><testsuite tests="5" failures="0" errors="0" skipped="1" time="2.5"/></testsuites>'
BAD = '<testsuites><testsuite tests="3" failures="1" errors="0" time="1"/></testsuites>'


@pytest.mark.parametrize(
    ("reports", "line", "good"),
    [
        ([GOOD, GOOD], "8 passed, 2 skipped in 5.00s", True),
        ([GOOD, BAD], "1 failed, 6 passed, 1 skipped in 3.50s", False),
        ([GOOD, None], "4 passed, 1 skipped, 1 errors in 2.50s", False),
        (["<testsuites/>"], "no tests ran in 0.00s", False),
    ],
)
def test_reports_are_added_up(reports: list[str | None], line: str, good: bool, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.xml" for number in range(len(reports))]
    for path, report in zip(paths, reports, strict=True):
        if report is not None:
            path.write_text(report)
    text, went_well = summary(paths)
    assert text.strip("= ") == line
    assert went_well is good
