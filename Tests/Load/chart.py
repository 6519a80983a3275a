"""Throughput and p99 against offered load, as an SVG file."""

import math
import statistics
from xml.sax.saxutils import escape

COLOURS = {"product": "#0b6e4f", "floor": "#6c757d", "former": "#c1440e"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 460, 300, 70, 50, 110


def medians(runs, side, measure):
    rates = sorted({run["offered"] for run in runs if run["side"] == side})
    return [(rate, statistics.median(measure(run) for run in runs if run["side"] == side and run["offered"] == rate))
        for rate in rates]


def figure(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


class Panel:
    """Axes with lines. A logarithmic one spans whole decades."""

    def __init__(self, number, title, unit, widest, values, is_logarithmic):
        self.left, self.title, self.unit, self.widest, self.log = LEFT + number * (
            WIDTH + GAP), title, unit, widest, is_logarithmic
        if is_logarithmic:
            self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            self.high = max(self.high, self.low + 1)
            self.ticks = [10.0**power for power in range(self.low, self.high + 1)]
        else:
            self.low, self.high = 0, max(values) * 1.05
            step = 10 ** math.floor(math.log10(self.high))
            step = step if self.high / step >= 4 else step / 2 if self.high / step >= 2 else step / 5
            self.ticks = [step * number for number in range(int(self.high / step) + 1)]

    def x(self, rate):
        return self.left + WIDTH * rate / self.widest

    def y(self, value):
        value = math.log10(value) if self.log else value
        return TOP + HEIGHT * (1 - (value - self.low) / (self.high - self.low))

    def axes(self, rates):
        bottom = TOP + HEIGHT
        yield f'<text x="{self.left}" y="{TOP - 18}" class="title">{escape(self.title)}</text>'
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<line x1="{self.left}" x2="{self.left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            yield f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{figure(tick)}{self.unit}</text>'
        shown = -math.inf
        for rate in rates:
            if self.x(rate) - shown >= 50:
                shown = self.x(rate)
                yield f'<text x="{shown:.1f}" y="{bottom + 18}" text-anchor="middle">{figure(rate)}</text>'
        yield f'<text x="{self.left + WIDTH / 2}" y="{bottom + 38}" text-anchor="middle">offered requests/s</text>'

    def line(self, points, colour):
        places = [(f"{self.x(rate):.1f}", f"{self.y(value):.1f}") for rate, value in points]
        yield f'<polyline points="{" ".join(",".join(place) for place in places)}" stroke="{colour}" class="line"/>'
        for (x, y), (rate, value) in zip(places, points):
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"><title>{rate:,}/s: {value:,.2f}</title></circle>'


def draw(runs, names):
    """`names`: what each side is called."""
    rates = sorted({run["offered"] for run in runs})
    rate_panel = Panel(0, "Answers a second", "", max(rates), [run["rate"] for run in runs], False)
    tail_panel = Panel(
        1, "p99 latency, from when a request was due", " ms", max(rates), [run["p99_ms"] for run in runs], True)
    width = 2 * (LEFT + WIDTH) + GAP - 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + 90}" font-family="sans-serif"'
        f' font-size="12">',
        "<style>text{fill:#333}.title{font-size:15px;font-weight:bold}.grid{stroke:#ddd}"
        ".line{fill:none;stroke-width:2}</style>",
        '<rect width="100%" height="100%" fill="white"/>', *rate_panel.axes(rates), *tail_panel.axes(rates)]
    for number, (side, name) in enumerate(names.items()):
        colour, x = COLOURS[side], LEFT + number * 220
        parts += rate_panel.line(medians(runs, side, lambda run: run["rate"]), colour)
        parts += tail_panel.line(medians(runs, side, lambda run: run["p99_ms"]), colour)
        y = TOP + HEIGHT + 66
        parts.append(f'<line x1="{x}" x2="{x + 24}" y1="{y}" y2="{y}" stroke="{colour}" class="line"/>')
        parts.append(f'<text x="{x + 30}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"
