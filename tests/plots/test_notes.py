"""What the committed figures say in words below their axes, from made-up results."""

import draw
from lmnn_sdp.solvers.solution import HistoryRow


def peer(name, *seconds):
    return {"peer": name, "points": [{"seconds": s, "objective": 2.0} for s in seconds]}


def test_a_peer_that_is_not_drawn_failed_or_was_not_tried():
    peers = [
        {"data": "small", "triplets": 10, "lower_bound": 1.0, "runs": [peer("a", 1.0, 3.0), peer("b", 2.0), peer("c")]},
        {"data": "large", "triplets": 9000, "lower_bound": 1.0, "runs": [peer("b", 50.0)]},
    ]
    assert draw._missing(peers) == {
        "small": "failed: c",
        "large": "not tried on 9,000 triplets: a (3 s on small)",
    }


def test_hinges_above_zero_that_are_at_the_margin_are_told_apart():
    rows = {name: [HistoryRow(1, 0.1, 2.0, 1.0, 5, active, 1)] for name, active in (("clear", 100), ("grid", 1500))}
    note = draw._counts(rows, {"clear": 99, "grid": 1000})
    assert "clear ends" not in note
    assert "Of the 1,500 that grid ends with 1,000 are clear of the margin" in note
