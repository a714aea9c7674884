"""Writes the measured tables into README.md from the committed results: ``python experiments/tables.py``."""

from __future__ import annotations

import json
from typing import Any

from paths import RESULTS, ROOT

README = ROOT / "README.md"


def main() -> None:
    """Replace what stands between the markers."""
    README.write_text(rendered(README.read_text()))


def rendered(text: str) -> str:
    """The text with every block between ``<!-- name -->`` and ``<!-- end -->`` drawn anew."""
    for name, block in blocks().items():
        before, marker, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"README.md has no block <!-- {name} --> ... <!-- end -->; add one where it belongs")
        text = f"{before}{marker}{block}\n{end}{after}"
    return text


def blocks() -> dict[str, str]:
    """Every block by the name of its marker."""
    return {"newton": newton(), "solvers": solvers(), "small": small(), "impostors": impostors()}


def newton() -> str:
    """Gap, seconds and memory of every case of bench_newton."""
    result = _read("bench_newton")
    lines = [
        "| data (k = 3, mu = 0.5) | n x d | triplets | lower bound | objective | gap | rank | seconds | peak GiB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *("| " + " | ".join(case["text"]) + " |" for case in result["cases"]),
    ]
    return "\n".join([*lines, "", _origin(result)])


def solvers() -> str:
    """Gap and seconds of every case of bench_solvers."""
    result = _read("bench_solvers")
    lines = [
        "| data (k = 3, mu = 0.5) | solver | triplets | lower bound | objective | gap | seconds |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for case in result["cases"]:
        lines.append(
            f"| {case['data']} | {case['solver']} | {case['triplets']} | {case['solution_lower_bound']:.9g} "
            f"| {case['solution_objective']:.9g} | {case['gap']} | {case['seconds_text']} |"
        )
    return "\n".join([*lines, "", _origin(result)])


def small() -> str:
    """What verify_small found."""
    result = _read("verify_small")
    problems = result["problems"]
    exact = max(p["solvers"]["scs"]["relative_gap"] for p in problems)
    median = sorted(p["solvers"]["pgd"]["excess"] for p in problems)[len(problems) // 2]
    overlap = sum(p["overlap"] for p in problems)
    planted = sum(p["optimum"] is not None for p in problems)
    return (
        f"On {len(problems)} small problems (d = 2 to 8; {planted} with a planted optimum) the certified intervals of "
        f"all four solvers overlap in {overlap}; the largest gap of `scs` is {exact:.1e}; the projected gradient ends "
        f"a relative {median:.0e} above the optimum in the median.\n\n{_origin(result)}"
    )


def impostors() -> str:
    """Ratio of the pass to the bare product."""
    result = _read("bench_impostors")
    return (
        f"The exact impostor pass over {result['n']} x {result['d']} takes {result['ratio']:.2f} times the bare "
        f"float32 matrix product ({min(result['pass_seconds']):.1f} s and {min(result['product_seconds']):.1f} s).\n\n"
        f"{_origin(result)}"
    )


def _origin(result: dict[str, Any]) -> str:
    """Command, commit and machine under a block."""
    machine = result["machine"]
    return f"`{result['command']}` at {result['commit']}, {machine['processor']}, {machine['blas_threads']} threads."


def _read(name: str) -> dict[str, Any]:
    """One result file."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return result


if __name__ == "__main__":
    main()
