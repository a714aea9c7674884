"""Dots with error bars, clouds of points, and the page around them."""

import re
from xml.etree import ElementTree

import pytest

from lmnn_sdp.display.charts import COLORS, SHAPES, WIDTH, Dot, clouds, dots
from lmnn_sdp.display.pages import bullets, document, prose, table

ROWS = [Dot("first <b>", 4.0, 1.0, "4 %"), Dot("second", 10.0, 2.0, "10 %", strong=True), Dot("third", 0.0, 0.0, "0 %")]


def parsed(svg):
    return ElementTree.fromstring(svg)


def bars(svg):
    """Ends of every error bar, and the dot between them."""
    ends = [tuple(map(float, found)) for found in re.findall(r"M([\d.]+) \d+H([\d.]+)\" stroke=\"#", svg)]
    return ends, [float(x) for x in re.findall(r"circle cx=\"([\d.]+)\"", svg)]


def test_dots_stand_in_the_middle_of_their_bars_on_one_axis():
    svg = dots("errors", ROWS, "%")
    ends, places = bars(svg)
    assert all(
        (low + high) / 2 == pytest.approx(place, abs=0.1) for (low, high), place in zip(ends, places, strict=True)
    )
    per_unit = (places[1] - places[0]) / 6
    assert (ends[1][1] - ends[1][0]) / 2 == pytest.approx(2 * per_unit, abs=0.1)
    assert places[0] - places[2] == pytest.approx(4 * per_unit, abs=0.1)
    assert max(end for _, end in ends) <= WIDTH


def test_texts_are_escaped_and_nothing_is_drawn_of_nothing():
    svg = dots("errors & <more>", ROWS, "%", marked=20.0)
    words = "".join(parsed(svg).itertext())
    assert "first <b>" in words
    assert "errors & <more>" in words
    assert svg.count("stroke-dasharray") == len(ROWS)
    assert dots("none", [], "%") == ""


@pytest.mark.parametrize("rows", [[Dot("same", 0.0, 0.0, "0")], [Dot("below", -3.0, 1.0, "-3")]])
def test_zero_and_negative_numbers_have_a_place(rows):
    _, (place,) = bars(dots("numbers", rows, "points"))
    assert 0 <= place <= WIDTH


def test_every_point_of_a_cloud_is_inside_and_every_group_in_the_legend():
    points = [(float(k), float(k % 3)) for k in range(40)]
    names = [f"class {k}" for k in range(5)]
    svg = clouds("plane", points, [k % 5 for k in range(40)], names)
    marks = re.findall(r"translate\(([\d.]+) ([\d.]+)\)\" fill=\"(#\w+)\"", svg)
    assert len(marks) == 40 + 5
    assert len({color for *_, color in marks}) == 5
    assert all(0 <= float(x) <= 300 for x, *_ in marks)
    words = "".join(parsed(svg).itertext())
    assert all(name in words for name in names)


def test_pairs_of_colour_and_shape_differ_until_none_is_left():
    count = len(COLORS) * len(SHAPES)
    svg = clouds("many", [(0.0, 0.0)] * count, list(range(count)), [])
    assert len(set(re.findall(r"<path d=\"(\S+ [^\"]*)\" transform=\"[^\"]*\" fill=\"(#\w+)\"", svg))) == count
    assert "#8a8a8a" in clouds("more", [(0.0, 1.0)], [count], [])


def test_a_page_is_whole_and_its_texts_escaped():
    text = document("a < b", bullets(["1 % +- 2 % <i>"]) + table(("h",), (("<c>",), ("d",)), strong=1))
    assert text.startswith("<!doctype html>")
    assert "<title>a &lt; b</title>" in text
    assert "1\u00a0%\u00a0±\u00a02\u00a0% &lt;i&gt;" in text
    assert '<tr style="font-weight:600"><td>d</td></tr>' in text
    assert "&lt;c&gt;" in text
    assert prose("x") == "x"
