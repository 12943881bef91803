"""The benchmark measures every row that is asked for; how fast anything is, no test can say."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.measure import Rates, Row, in_turns
from benchmarks.part_times import REST, PartTimes, Rule

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"

CHEAP = ("world", "dream", "encode")
MEASURED = Row("fast", "here", "there", "steps/s", Rates((40.0, 30.0, 50.0), (10.0, 10.0, 10.0)))
MISSING = Row("slow", "here", "elsewhere", "steps/s", None, notes=("it is not installed",))


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "bench.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_row_that_is_asked_for_gets_a_ratio(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = bench("--quick", "--markdown", "--json", str(file), "--device", "cpu", *CHEAP)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"]
    assert {row["name"] for row in rows} == set(CHEAP)
    for row in rows:
        assert row["ratio"] > 0
        assert min(row["ratios"]) <= row["ratio"] <= max(row["ratios"])
        assert f"| {row['reference']} |" in done.stdout
    parts = next(row["parts_us"] for row in rows if row["name"] == "dream")
    assert parts["M step"] > 0
    assert parts["sampling"] > 0


def test_a_row_that_does_not_exist_is_refused() -> None:
    done = bench("wrold")
    assert done.returncode == 2
    assert "no row 'wrold'" in done.stderr


def test_reference_and_subject_work_in_turns() -> None:
    calls = []

    def work(name: str) -> float:
        calls.append(name)
        return 1.0

    rates = in_turns(lambda: work("reference"), lambda: work("subject"), rounds=3)
    assert calls == ["reference", "subject"] * 4
    assert len(rates.ratios) == 3


def test_ratio_is_the_median_over_the_rounds() -> None:
    assert MEASURED.rates is not None
    assert MEASURED.rates.ratio == 4


def test_a_row_without_its_reference_stays_in_the_table_and_says_why() -> None:
    for table in (tables.as_text, tables.as_markdown):
        text = table("a machine", [MEASURED, MISSING], [])
        assert "4x" in text
        assert tables.MISSING in text
        assert "it is not installed" in text


def test_the_times_of_parts_are_those_of_the_functions_that_rules_name() -> None:
    def spin(seconds: float) -> None:
        until = time.process_time() + seconds  # of work, however busy the machine is
        while time.process_time() < until:
            pass

    def busy() -> None:
        spin(0.2)

    times = PartTimes([Rule("test_bench.py", "busy", "busy")])
    with times:
        busy()
        spin(0.05)
    parts = times.per_step_us(steps=1)
    assert parts["busy"] > parts[REST] > 0
    assert sum(parts.values()) >= 2.5e5
