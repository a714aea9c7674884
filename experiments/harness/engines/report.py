"""The tables of ``docs/scale_plan.md`` from the result of the experiment with engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.markdown import table

MEANINGS = {
    "a_per_pair": "a, a pair",
    "b_per_pair_and_dimension": "b, a pair and row of the map",
    "c_per_entry": "c, an entry of the points under the map",
    "h_per_edge_and_square": "h, an edge of a kink and square of the dimension",
    "g_per_edge_and_dimension": "g, a listed edge and dimension",
    "o_handing_out": "o, handing a pass out",
    "p_handing_out_evenly": "p, handing a product out",
    "v_per_byte": "v, a byte",
}


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, and what it predicts."""
    rows = result["rows"]
    parts = [stamp(result)]
    if "constants" in rows:
        parts += [
            constants(rows["constants"]),
            passes(rows["constants"]),
            products(rows["constants"]),
            plan(result["plan"]),
        ]
    kinds = {name: name.split()[0] for name in rows}
    parts += [SENTENCES[kinds[name]](row) + beside(row) for name, row in rows.items() if kinds[name] in SENTENCES]
    if result["missing"]:
        parts.append(f"Not run yet: {', '.join(result['missing'])}.")
    return "\n\n".join(parts)


def stamp(result: dict[str, Any]) -> str:
    """Where the numbers come from."""
    commits = sorted({row["commit"] for row in result["rows"].values()})
    processor = " ".join(result["machine"]["processor"].split()[:2])
    return f"`{result['command']}` at {', '.join(commits)}, {processor}."


def beside(row: dict[str, Any]) -> str:
    """Whether the machine was quiet when the row began."""
    return " (Began beside other work.)" if row["busy"] else ""


def constants(row: dict[str, Any]) -> str:
    """Seconds of each kind."""
    body = [[MEANINGS[name], f"{row[name]:.1e}"] for name in MEANINGS]
    return table(["constant", "seconds"], body) + "\n\na, b, c and h are processor seconds of a thread." + beside(row)


def products(row: dict[str, Any]) -> str:
    """A product of conjugate gradients by the clock beside the model."""
    body = [
        [str(one["workers"]), f"{one['seconds']:.3f}", f"{sum(one['predicted'].values()):.3f}"]
        for one in row["products"]
    ]
    return table(["workers", "product, s", "predicted, s"], body)


def passes(row: dict[str, Any]) -> str:
    """A pass by the clock beside the model."""
    body = [
        [
            str(one["workers"]),
            f"{one['seconds']:.2f}",
            f"{sum(one['predicted'].values()):.2f}",
            f"{one['bytes_out_a_worker'] / 1e6:.2f}",
            f"{one['predicted_bytes_out'] / 1e6:.2f}",
        ]
        for one in row["passes"]
    ]
    return table(["workers", "pass, s", "predicted, s", "MB out to each", "predicted, MB"], body)


def plan(rows: Sequence[dict[str, Any]]) -> str:
    """Hours of a solve."""
    workers = sorted({row["workers"] for row in rows})
    sizes = list(dict.fromkeys((row["n"], row["d"]) for row in rows))
    body = []
    for n, d in sizes:
        own = {row["workers"]: row for row in rows if (row["n"], row["d"]) == (n, d)}
        cells = [f"{own[w]['hours']:.3g} ({own[w]['most']})" for w in workers]
        body.append([f"{n:,} x {d}", *cells, f"{own[1]['worker_gib']:.1f}"])
    return "Hours of a solve to 1e-3 that the model predicts, with the part that takes most:\n\n" + table(
        ["n x d", *(f"{w} worker{'s' * (w > 1)}" for w in workers), "GiB a worker"], body
    )


def same(row: dict[str, Any]) -> str:
    """Threads and workers."""
    return (
        f"{row['data']} ({row['n']} x {row['d']}): by threads [{row['here']['lower_bound']:.2f}, "
        f"{row['here']['objective']:.2f}], by two workers [{row['there']['lower_bound']:.2f}, "
        f"{row['there']['objective']:.2f}], {'the same bits' if row['same_bits'] else 'other bits'}; "
        f"{row['sent'] / 1e6:.0f} MB sent and {row['received'] / 1e6:.0f} MB received in {row['maps']} pieces of work; "
        f"{row['seconds_workers'] / row['seconds_threads']:.2f} times as long."
    )


def workers(row: dict[str, Any]) -> str:
    """One worker and two."""
    return (
        f"{row['data']} ({row['n']} x {row['d']}): two workers take {row['two_over_threads']:.2f} times as long as two "
        f"threads, one worker {row['one_over_two']:.2f} times as long as two, and one thread "
        f"{row['one_thread_over_threads']:.2f} times as long as two. A round's pass moves "
        f"{row['round_bytes'] / 1e6:.1f} MB, predicted are {row['predicted_round_bytes'] / 1e6:.1f} MB."
    )


def killed(row: dict[str, Any]) -> str:
    """Kills."""
    return (
        f"{row['data']}: of {row['kills']} solves in which a worker was killed at a random moment {row['certified']} "
        f"are certified, {row['same_bits']} with the same bits."
    )


def pruned(row: dict[str, Any]) -> str:
    """Pairs that bounds would spare."""
    prefixes = ", ".join(f"{share:.1%} by the leading {part}" for part, share in row["out_of_reach_by_prefix"].items())
    return (
        f"{row['data']} ({row['n']} x {row['d']}, rank {row['rank']}): of the pairs of different classes "
        f"{row['out_of_reach_of_balls']:.0%} are out of reach by balls of some 64 points; {prefixes} of the principal "
        "coordinates."
    )


def one_process(row: dict[str, Any]) -> str:
    """Large data at home."""
    return (
        f"Synthetic {row['n']:,} x {row['d']} in one process: relative gap {row['relative_gap']:.1e} after "
        f"{(row['seconds_targets'] + row['seconds_solve']) / 60:.0f} min, peak {row['peak_gib']:.1f} GiB."
    )


def stochastic(row: dict[str, Any]) -> str:
    """Larger data by samples."""
    return (
        f"Synthetic {row['n']:,} x {row['d']} by `StochasticLMNN`: objective in [{row['lower']:.4g}, "
        f"{row['upper']:.4g}] with 95 % confidence after {row['seconds'] / 60:.0f} min, peak "
        f"{row['peak_gib']:.1f} GiB. "
        f"An exact pass there takes {row['pass_cpu_seconds']:.0f} processor seconds, of which {row['pass_share']:.1%} "
        "were run."
    )


SENTENCES = {
    "killed": killed,
    "same": same,
    "pruned": pruned,
    "one": one_process,
    "stochastic": stochastic,
    "workers": workers,
}
