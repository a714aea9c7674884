"""The tables of ``docs/optimum.md`` from the result of the experiment."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from statistics import mean, median
from typing import Any

from harness.markdown import table
from harness.optimum.sensitivity import SCALINGS

ASKED = 1e-3  # the gap that users ask about
SMALL = 1e-2  # excess up to which growth is told
NOTICED = 2  # standard errors from which a difference of errors is marked
DEFAULTS = {"mu": 0.5, "k": 3}
SOLVERS = {"newton": "newton", "scs": "SCS"}


def blocks(result: dict[str, Any]) -> dict[str, str]:
    """Every table by the name of its marker."""
    data = result["data"]
    return {
        "answer": answer(data),
        "moves": moves(data),
        "seen": seen(data),
        "growth": growth(data),
        "votes": votes(data),
        "traces": traces(data),
        "stopped": stopped(data),
        "mu": settings(data, "mu"),
        "k": settings(data, "k"),
        "scaling": settings(data, "scaling"),
        "invariance": invariance(data),
        "single points": single_points(data),
        "corners": corners(result["corners"]),
        "sizes": sizes(data),
    }


def answer(data: dict[str, Any]) -> str:
    """What becomes of M, neighbours and votes within the gap that users ask about."""
    rows = {name: at(one, ASKED) for name, one in data.items()}
    move = {name: largest(row, "move") for name, row in rows.items()}
    lost, turned = ([largest(row, key) for row in rows.values()] for key in ("lost", "turned"))
    apart = [abs(one["error"] - data[name]["error"]) for name, row in rows.items() for one in row["found"]]
    least, most = min(move, key=lambda name: move[name]), max(move, key=lambda name: move[name])
    return (
        f"Within a proved excess of {ASKED:g} there are metrics whose distance from the optimum is "
        f"{percent(move[least])} of its norm on {least} and {percent(move[most])} on {most}. Of the test points "
        f"{percent(min(lost))} to {percent(max(lost))} get a neighbour that was not among the three nearest, and "
        f"{percent(min(turned))} to {percent(max(turned))} another vote; the test error moves by "
        f"{100 * max(apart):.1f} points at most."
    )


def at(one: dict[str, Any], level: float) -> dict[str, Any]:
    """What was found within an excess."""
    return next(row for row in one["levels"] if row["level"] == level)


def largest(row: dict[str, Any], key: str) -> float:
    """Of all metrics that were found within an excess."""
    return float(max(one[key] for one in row["found"]))


def sizes(data: dict[str, Any]) -> str:
    """Points of both parts, the optimum's interval and its error."""
    rows = [
        [
            name,
            f"{one['n_train']:,} x {one['d']}",
            f"{one['n_test']:,}",
            f"{one['lower_bound']:.7g}",
            f"{(one['objective'] - one['lower_bound']) / one['objective']:.0e}",
            f"{one['corner']['rank']}",
            f"{100 * one['error']:.1f}",
        ]
        for name, one in data.items()
    ]
    return table(["data", "learned on", "tested on", "optimum", "gap", "rank", "test error, %"], rows)


def by_level(data: dict[str, Any], cell: Any) -> str:
    """A column for each excess."""
    levels = [row["level"] for row in next(iter(data.values()))["levels"]]
    rows = [[name, *(cell(row) for row in one["levels"])] for name, one in data.items()]
    return table(["excess at most", *(f"{level:g}" for level in levels)], rows)


def moves(data: dict[str, Any]) -> str:
    """Largest move of M in the units of the standardised features."""
    return by_level(data, lambda row: f"{largest(row, 'move'):.2g}")


def seen(data: dict[str, Any]) -> str:
    """Largest move in whitened coordinates, and what no metric can exceed."""
    return by_level(data, lambda row: f"{largest(row, 'seen'):.2g} to {bound(row['at_most'])}")


def growth(data: dict[str, Any]) -> str:
    """Exponent of the largest move over the excess, and how much of the bound was found."""
    powers, ratios = [], []
    for one in data.values():
        rows = [row for row in one["levels"] if row["level"] <= SMALL]
        first, last = rows[0], rows[-1]
        moved = log(largest(last, "seen") / largest(first, "seen"))
        powers.append(moved / log(last["level"] / first["level"]))
        ratios.append(first["at_most"] / largest(first, "seen"))
    least = min(row["level"] for one in data.values() for row in one["levels"])
    return (
        f"Up to {SMALL:g} the largest move found grows like the excess to the power of {min(powers):.2f} to "
        f"{max(powers):.2f}. At {least:g} the bound is {min(ratios):.0f} to {max(ratios):.0f} times what was found."
    )


def bound(value: float) -> str:
    """An upper bound, where it says anything."""
    return f"{value:.2g}" if value < 100 else "-"


def votes(data: dict[str, Any]) -> str:
    """Largest shares of points with other neighbours and other votes, and the range of the error."""

    def cell(row: dict[str, Any]) -> str:
        errors = [100 * one["error"] for one in row["found"]]
        return f"{100 * largest(row, 'lost'):.0f} / {100 * largest(row, 'turned'):.1f} / {spread(errors)}"

    return by_level(data, cell)


def spread(values: Sequence[float]) -> str:
    """Least and most, or one number."""
    least, most = f"{min(values):.1f}", f"{max(values):.1f}"
    return least if least == most else f"{least} to {most}"


def traces(data: dict[str, Any]) -> str:
    """Range of the trace, as found, and outside of what is impossible."""

    def cell(row: dict[str, Any]) -> str:
        (low, high), (least, most) = row["trace"]["found"], row["trace"]["proved"]
        return f"{low:.3g} to {high:.3g} ({max(least, 0):.3g} to {most:.3g})"

    return by_level(data, cell)


def stopped(data: dict[str, Any]) -> str:
    """Solves that stop at a gap: how far from the optimum they end."""
    stops = dict.fromkeys((one["direction"], one["tol"]) for row in data.values() for one in row["stopped"])
    rows = []
    for solver, tol in stops:
        cells = []
        for one in data.values():
            found = [stop for stop in one["stopped"] if (stop["direction"], stop["tol"]) == (solver, tol)]
            cells.append(
                f"{found[0]['gap']:.0e}: {found[0]['move']:.1g} / {100 * found[0]['turned']:.1f}" if found else "-"
            )
        rows.append([f"{SOLVERS[solver]}, {tol:g}", *cells])
    return table(["stops at", *data], rows)


def settings(data: dict[str, Any], kind: str) -> str:
    """Turn of the metric, share of other votes and cross-validated error for each value of a setting."""
    values = [one["value"] for one in next(iter(data.values()))["settings"] if one["kind"] == kind]
    columns = sorted([*values, DEFAULTS[kind]]) if kind in DEFAULTS else list(SCALINGS)
    rows = []
    for name, one in data.items():
        own = {row["value"]: row for row in one["settings"] if row["kind"] == kind}
        if kind in DEFAULTS:
            own[DEFAULTS[kind]] = next(row for row in one["settings"] if row["value"] == "standardised")
        rows.append([name, *(setting(own[value]) if value in own else "no metric" for value in columns)])
    return table([kind, *map(str, columns)], rows)


def setting(row: dict[str, Any]) -> str:
    """A cell; a star where the error differs from that of the default."""
    star = "\\*" if abs(row["difference"]) > NOTICED * row["difference_se"] else ""
    return f"{row['turn']:.2f} / {100 * row['turned']:.1f} / {100 * row['error']:.1f} +- {100 * row['se']:.1f}{star}"


def invariance(data: dict[str, Any]) -> str:
    """Optimal values under each scaling, with its own targets and with those of the standardised data."""
    rows = []
    for name, one in data.items():
        for row in one["invariance"]:
            same = [f"{end:.7g}" for end in row["same"]]
            rows.append(
                [name, row["scaling"], percent(row["other_targets"]), f"{row['own'][1]:.5g}", " to ".join(same)]
            )
    names = ["data", "scaling", "other targets", "optimum with its own", "optimum with those of the standardised"]
    return table(names, rows)


def single_points(data: dict[str, Any]) -> str:
    """Median and largest turn, and mean and largest share of other votes, by one training point."""
    rows = []
    for name, one in data.items():
        cells = [f"{len(one['single_points']['left out'])}"]
        for changes in one["single_points"].values():
            turns, turned = ([row[key] for row in changes] for key in ("turn", "turned"))
            cells.append(f"{median(turns):.2g}, {max(turns):.2g}")
            cells.append(f"{100 * mean(turned):.1f}, {100 * max(turned):.1f}")
        rows.append([name, *cells])
    kinds = list(next(iter(data.values()))["single_points"])
    names = [f"{kind}: {what}" for kind in kinds for what in ("turn", "other votes, %")]
    return f"{point_or_gap(data)}\n\n{table(['data', 'trials', *names], rows)}"


def point_or_gap(data: dict[str, Any]) -> str:
    """Whether a point moves the optimum more than a gap could."""
    moved = {
        kind: sum(
            median(row["move"] for row in one["single_points"][kind]) > largest(at(one, ASKED), "move")
            for one in data.values()
        )
        for kind in next(iter(data.values()))["single_points"]
    }
    told = " and ".join(f"a point {kind} on {count} of {len(data)}" for kind, count in moved.items())
    return f"In the median the optimum moves further than any metric found within an excess of {ASKED:g} by {told}."


def corners(found: dict[str, dict[str, Any]]) -> str:
    """Kinks beside the dimensions of face and tangent space."""
    rows = [
        [
            name,
            f"{one['n']:,} x {one['d']}",
            f"{one['gap']:.0e}",
            f"{one['triplets']:,}",
            f"{one['active']:,}",
            f"{one['rank']}",
            f"{one['face']:,}",
            f"{one['kinks']:,}",
            f"{one['tangent']:,}",
            f"{one['all']:,}",
            "yes" if one["spanned"] == one["face"] else "not shown",
        ]
        for name, one in found.items()
    ]
    names = ["data", "n x d", "gap", "triplets", "violated", "rank q", "q (q + 1) / 2", "kinks"]
    shown = sum(one["spanned"] == one["face"] for one in found.values())
    counted = table([*names, "d q - q (q - 1) / 2", "d (d + 1) / 2", "unique"], rows)
    return f"The optimum is seen to be unique on {shown} of {len(found)} data sets.\n\n{counted}"


def percent(share: float) -> str:
    """A share of one."""
    return f"{100 * share:.2g} %" if 100 * share < 10 else f"{100 * share:.0f} %"
