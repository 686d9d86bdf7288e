#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Benchmark results as a table for a terminal, and as one HTML file with plots.

    report.py ITEMS.json... [--html FILE] [--environment FILE] [--command WORDS]

Each ITEMS.json is a list, as a benchmark prints it, of items like this one:

    {"bench": "lookup",             what was measured: items of one bench are one section
     "case": "ipv4 100k zipf",      on what
     "kind": "peer",                peer: ours against somebody else's; floor: against what cannot
                                    be done without; scale: ours alone, as something grows
     "unit": "ns",
     "better": "less",              or "more"; less unless said
     "ours": {"median": 3.5, "min": 3.4, "max": 4.1},       null: there is none
     "ours_name": "table avx512",   "ours" unless said
     "peer": "rte_fib 4B avx512",   not of kind scale
     "peer_value": {"median": 6.1, "min": 6.0, "max": 9.9}, not of kind scale
     "ratio": 1.74}                 only of kind peer; above 1, ours is better

and these keys where they apply. Lines are drawn over each of those that are numbers, through all
items that agree in bench, family, stream, direction and the other numbers:

     "family": "ipv4", "stream": "zipf", "direction": "receive",
     "prefixes": 100000, "classes": 12500, "cores": 1,
     "set": "random"                real: a set that is no step of a growing one, so in no line

A line over prefixes goes through items of any number of classes, since that grows with them; where
there are several for one number of prefixes, the first in the file is taken. Other keys are kept
and not shown. Nothing is judged. Plots need python3-matplotlib; without it there are tables only.

--environment names a JSON object that was kept with the items; else it is this machine's.
"""

import argparse
import collections
import datetime
import glob
import html
import io
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys

GROWING = {"prefixes": "prefixes", "classes": "classes", "cores": "cores"}
TOGETHER = ("bench", "family", "stream", "direction", "unit")
PALETTE = 8  # colours of peers in the style sheet


# Where it was measured


def file_text(path, default=""):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return default


def first_line(*command):
    if not shutil.which(command[0]):
        return "none"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0].strip() if lines and not done.returncode else "none"


def cpu_model():
    fields = dict(re.findall(r"^(\S[^\t:]*?)\s*: ?(.*)$",
                             file_text("/proc/cpuinfo").split("\n\n", maxsplit=1)[0], re.M))
    flags = fields.get("flags", "").split()
    wide = next((name for name in ("avx512f", "avx2") if name in flags), "no AVX2")
    numbers = f"family {fields.get('cpu family', '?')}, model {fields.get('model', '?')}"
    guest = ", virtual machine" if "hypervisor" in flags else ""
    return f"{fields.get('model name', platform.machine())} ({numbers}, {wide}{guest})"


def caches():
    found = []
    for folder in sorted(glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")):
        level, kind, size = (file_text(f"{folder}/{name}") for name in ("level", "type", "size"))
        letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
        found.append(f"L{level}{letter} {size}")
    if found:
        return ", ".join(found)
    sizes = {name: first_line("getconf", f"{key}_CACHE_SIZE") for name, key in
             (("L1d", "LEVEL1_DCACHE"), ("L2", "LEVEL2"), ("L3", "LEVEL3"))}
    known = [f"{name} {int(size) >> 10}K" for name, size in sizes.items()
             if size.isdigit() and size != "0"]
    return ", ".join(known) or "not told"


def hugepages():
    pools = []
    for folder in sorted(glob.glob("/sys/kernel/mm/hugepages/hugepages-*")):
        size = folder.rsplit("-", 1)[1]
        total = file_text(f"{folder}/nr_hugepages", "0")
        pools.append(f"{total} of {size} ({file_text(f'{folder}/free_hugepages', '0')} free)")
    chosen = re.search(r"\[(\w+)\]", file_text("/sys/kernel/mm/transparent_hugepage/enabled"))
    return ", ".join(pools or ["none"]) + (f"; transparent: {chosen[1]}" if chosen else "")


def mitigation(name):
    return file_text(f"/sys/devices/system/cpu/vulnerabilities/{name}", "not told")


def environment(command):
    """What else decides the figures."""
    return {
        "cpu": cpu_model(),
        "cores": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "caches": caches(),
        "governor": file_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "none"),
        "kernel": platform.release(),
        "compiler": first_line("cc", "--version"),
        "dpdk": first_line("pkg-config", "--modversion", "libdpdk"),
        "libbpf": first_line("pkg-config", "--modversion", "libbpf"),
        "hugepages": hugepages(),
        "spec_rstack_overflow": mitigation("spec_rstack_overflow"),
        "retbleed": mitigation("retbleed"),
        "spectre_v2": mitigation("spectre_v2"),
        "load": " ".join(file_text("/proc/loadavg").split()[:3]),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
    }


# The figures


def number(value):
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def spread(figure):
    return f"{number(figure['min'])} to {number(figure['max'])}" if figure else ""


def median(figure):
    return figure["median"] if figure else None


def ours_name(item):
    return item.get("ours_name", "ours")


def ratio_text(item):
    return f"{item['ratio']:.2f}" if item.get("ratio") is not None else ""


def by_bench(items):
    benches = collections.OrderedDict()
    for item in items:
        benches.setdefault(item["bench"], []).append(item)
    return benches


COLUMNS = ("case", "", "ours", "spread", "against", "theirs", "spread", "ratio")
NUMERIC = (False, False, True, True, False, True, True, True)


def row(item):
    return (item["case"], item["kind"], number(median(item.get("ours"))), spread(item.get("ours")),
            item.get("peer", ""), number(median(item.get("peer_value"))) if "peer" in item else "",
            spread(item.get("peer_value")), ratio_text(item))


def summary(items):
    """For each bench and peer: in how many cases, and the ratios least, median, most."""
    ratios = collections.OrderedDict()
    for bench, those in by_bench(items).items():
        for item in those:
            if item["kind"] == "peer" and item.get("ratio") is not None:
                ratios.setdefault((bench, item["peer"]), []).append(item["ratio"])
    return [(bench, peer, str(len(all_)), f"{min(all_):.2f}", f"{statistics.median(all_):.2f}",
             f"{max(all_):.2f}") for (bench, peer), all_ in ratios.items()]


SUMMARY_COLUMNS = ("bench", "against", "cases", "ratio, least", "median", "most")


def units(items):
    return ", ".join(dict.fromkeys(item["unit"] for item in items))


def text_table(columns, rows, numeric):
    widths = [max(len(cells[place]) for cells in [columns, *rows]) for place in range(len(columns))]
    lines = []
    for cells in [columns, *rows]:
        padded = [cell.rjust(width) if right else cell.ljust(width)
                  for cell, width, right in zip(cells, widths, numeric)]
        lines.append("  " + "  ".join(padded).rstrip())
    return lines


def terminal(items, where):
    width = max(map(len, where), default=0)
    lines = [f"{key.ljust(width)}  {value}" for key, value in where.items()]
    for bench, those in by_bench(items).items():
        lines += ["", f"{bench} ({units(those)})"]
        lines += text_table(COLUMNS, [row(item) for item in those], NUMERIC)
    rows = summary(items)
    if rows:
        lines += ["", "ratios (above 1: ours is better)"]
        lines += text_table(SUMMARY_COLUMNS, rows, (False, False, True, True, True, True))
    return "\n".join(lines)


# The lines of a plot


def ours_and_peer(item):
    """(name, is it ours, value) of each figure in an item; a floor is in the tables only."""
    if item.get("ours"):
        yield ours_name(item), True, item["ours"]["median"]
    if item.get("peer_value") and item["kind"] != "floor":
        yield item["peer"], False, item["peer_value"]["median"]


def fixed_keys(axis):
    """What items of one line agree in, the bench and so on apart."""
    others = [key for key in GROWING if key != axis]
    return [key for key in others if (axis, key) != ("prefixes", "classes")]


def growth(items, axis):
    """{what a plot is of: {(name, ours): {x: y}}}, lines of one point left out."""
    plots = collections.OrderedDict()
    for item in items:
        if axis not in item or item.get("set", "random") != "random":
            continue
        key = tuple((name, item.get(name)) for name in (*TOGETHER, *fixed_keys(axis)))
        for name, ours, value in ours_and_peer(item):
            line = plots.setdefault(key, collections.OrderedDict()).setdefault((name, ours), {})
            line.setdefault(item[axis], value)
    plots = {key: {name: line for name, line in lines.items() if len(line) > 1}
             for key, lines in plots.items()}
    return {key: lines for key, lines in plots.items() if lines}


def plot_title(key, axis):
    what = dict(key)
    words = [what[name] for name in ("family", "stream", "direction") if what.get(name)]
    words += [f"{what[name]:,} {name}" for name in fixed_keys(axis)
              if what.get(name) is not None and not (name == "cores" and what[name] == 1)]
    return f"{what['bench']}: " + (", ".join(words) or "growth")


class Colours:
    """A name has one colour in all plots of a bench and family; the style sheet says which."""

    def __init__(self):
        self.peers, self.ours = {}, {}

    def of(self, name, ours):
        known, colours = (self.ours, 2) if ours else (self.peers, PALETTE)
        place = known.setdefault(name, len(known))
        return f"{'o' if ours else 'p'}{place % colours}", place // colours

    def inked(self, svg):
        """Matplotlib knows no variables: it was given a number for each."""
        for name in [*(f"o{i}" for i in range(2)), *(f"p{i}" for i in range(PALETTE)), *INKS]:
            svg = svg.replace(stand_in(name), f"var(--{name})")
        return svg


INKS = ("ink", "dim", "rule")


def stand_in(name):
    """A colour that occurs nowhere else."""
    if name in INKS:
        return f"#0102{0x10 + INKS.index(name):02x}"
    return f"#03{ord(name[0]):02x}{int(name[1:]):02x}"


DASHES = ("-", "--", ":", "-.")  # where the colours are used up
MARKERS = ("o", "D", "s", "^")
FONT = 9.5


def figure_new(height=2.7):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "peertag", "font.size": FONT,
        "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
        "text.color": stand_in("ink"), "axes.labelcolor": stand_in("dim"),
        "axes.edgecolor": stand_in("rule"), "xtick.color": stand_in("dim"),
        "ytick.color": stand_in("dim"), "grid.color": stand_in("rule"), "grid.linewidth": 0.6,
        "font.sans-serif": ["system-ui", "DejaVu Sans"]})
    figure, axes = pyplot.subplots(figsize=(3.9, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.set_axisbelow(True)
    return figure, axes


def svg_text(figure, colours, label):
    from matplotlib import pyplot
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    svg = text.getvalue()
    svg = colours.inked(svg[svg.index("<svg"):])
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    # Each file of matplotlib's numbers its parts anew.
    prefix = re.sub(r"\W+", "-", label)
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(url\(|href=")#([^")]+)', rf"\1#{prefix}-\2", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)


def short(value, _=None):
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"


def apart(values):
    """Those of sorted values whose names do not run into each other."""
    kept = []
    for value in values:
        if not kept or value >= 1.4 * kept[-1]:
            kept.append(value)
    return kept


def axis_ticks(axis, values, log):
    """Marks at figures that people read, also where an axis has less than a decade."""
    from matplotlib import ticker
    axis.set_major_formatter(ticker.FuncFormatter(short))
    axis.set_minor_formatter(ticker.NullFormatter())
    if log:
        steps = (1,) if max(values) / min(values) > 300 else (1, 2, 5)
        axis.set_major_locator(ticker.LogLocator(subs=steps, numticks=12))


def plot_growth(key, lines, axis, colours):
    label = plot_title(key, axis)
    figure, axes = figure_new()
    legend, xs, ys = [], set(), []
    for (name, ours), line in sorted(lines.items(), key=lambda entry: entry[0][1]):
        colour, dash = colours.of(name, ours)
        points = sorted(line.items())
        xs.update(line)
        ys += line.values()
        axes.plot(*zip(*points), color=stand_in(colour), linestyle=DASHES[dash % len(DASHES)],
                  marker=MARKERS[dash % len(MARKERS)], linewidth=2.4 if ours else 1.5,
                  markersize=5 if ours else 3.5,
                  zorder=3 if ours else 2)
        legend.append((points[-1][1], name, colour, ours))
    log_y = min(ys) > 0 and max(ys) / min(ys) > 4 and axis != "cores"
    if axis != "cores":
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(apart(sorted(xs)))
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
    axes.minorticks_off()
    axis_ticks(axes.yaxis, ys, log_y)
    axes.grid(axis="y")
    axes.set_xlabel(GROWING[axis])
    axes.set_ylabel(dict(key)["unit"])
    legend.sort(key=lambda entry: (not entry[3], -entry[0]))
    return card(label, svg_text(figure, colours, f"{label} over {axis}"),
                [(name, colour) for _, name, colour, _ in legend])


def plot_ratios(bench, items, colours):
    """Ours against each peer, by case: a dot right of the line is a case where ours is better."""
    items = [item for item in items if item["kind"] == "peer" and item.get("ratio")]
    cases = list(dict.fromkeys(item["case"] for item in items))
    if not cases:
        return ""
    figure, axes = figure_new(height=0.9 + 0.24 * len(cases))
    legend = collections.OrderedDict()
    for item in items:
        colour, dash = colours.of(item["peer"], False)
        legend[item["peer"]] = colour
        axes.plot(item["ratio"], cases.index(item["case"]), MARKERS[dash % len(MARKERS)],
                  markersize=6,
                  color=stand_in(colour), alpha=0.9)
    ratios = [item["ratio"] for item in items]
    axes.axvline(1, color=stand_in("dim"), linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlim(min(0.9, *ratios, 0.9) * 0.9, max(1.1, *ratios, 1.1) * 1.1)
    axis_ticks(axes.xaxis, [*ratios, 1], True)
    axes.set_yticks(range(len(cases)), cases)
    axes.set_ylim(len(cases) - 0.4, -0.6)
    axes.grid(axis="both")
    axes.set_xlabel("ratio (above 1: ours is better)", fontsize=8.5)
    label = " ".join((f"{bench}:", items[0].get("family", ""), "ours against peers"))
    return card(label, svg_text(figure, colours, label), list(legend.items()))


# The page


STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #fff; --ink: #1c2024; --dim: #5d6670;
  --rule: #dfe1e3; --o0: #0b62d6; --o1: #5aa0f2; --p0: #c2520a; --p1: #0f7b55; --p2: #8a3ffc;
  --p3: #b3123f; --p4: #8a6a00; --p5: #007d8f; --p6: #a0459b; --p7: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --paper: #131619; --card: #1b1f24; --ink: #e8eaed;
  --dim: #9aa4ae; --rule: #333a42; --o0: #6cb0ff; --o1: #3d7cc9; --p0: #ff9a57; --p1: #4fc796;
  --p2: #b794ff; --p3: #ff7d99; --p4: #dcb83c; --p5: #45c4d6; --p6: #e38bdc; --p7: #9aa4ae; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: .95rem; margin: 0 0 .5rem; font-weight: 600; }
p { color: var(--dim); margin: 0 0 1rem; max-width: 46rem; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem;
  min-width: 0; }
.plots { display: grid; gap: 1rem; align-items: start; margin-bottom: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.plots svg { display: block; width: 100%; height: auto; }
.plots svg text { font-family: system-ui, sans-serif !important; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem .9rem; margin: .5rem 0 0;
  padding: 0; font-size: .8rem; }
.legend i { display: inline-block; width: .9em; height: .28em; border-radius: 2px;
  margin-right: .4em; vertical-align: middle; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0;
  font-size: .88rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th { text-align: left; color: var(--dim); font-weight: 500; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; } .s { color: var(--dim); }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; }
details[open] summary { margin-bottom: .6rem; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
"""


def card(title, body, legend=()):
    entries = "".join(f'<li><i style="background:var(--{colour})"></i>{html.escape(name)}</li>'
                      for name, colour in legend)
    return (f'<div class="card"><h3>{html.escape(title)}</h3>{body}'
            + (f'<ul class="legend">{entries}</ul>' if entries else "") + "</div>")


def html_row(cells, tag, classes):
    return "<tr>" + "".join(f'<{tag} class="{of}">{html.escape(cell)}</{tag}>'
                            for cell, of in zip(cells, classes)) + "</tr>"


def html_table(columns, rows, numeric):
    classes = [("n s" if column == "spread" else "n") if right else ""
               for column, right in zip(columns, numeric)]
    lines = [html_row(columns, "th", classes), *(html_row(cells, "td", classes) for cells in rows)]
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def plots_of(bench, items):
    cards = []
    for family in dict.fromkeys(item.get("family") for item in items):
        those = [item for item in items if item.get("family") == family]
        colours = Colours()
        cards.append(plot_ratios(bench, those, colours))
        for axis in GROWING:
            cards += [plot_growth(key, lines, axis, colours)
                      for key, lines in growth(those, axis).items()]
    return "".join(cards)


def can_plot():
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("report: no plots: they need python3-matplotlib", file=sys.stderr)
        return False
    return True


HEAD = f"""<!DOCTYPE html>
<!-- SPDX-License-Identifier: BSD-3-Clause -->
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>peertag benchmarks</title><style>{STYLE}</style></head><body>
<h1>peertag benchmarks</h1>
<p>Medians, with the least and the most. Ratios are medians of what each round gave; above 1 ours is
better.</p>
"""


def environment_card(where):
    entries = "".join(f"<dt>{html.escape(key.replace('_', ' '))}</dt>"
                      f"<dd>{html.escape(str(value))}</dd>" for key, value in where.items())
    return card("Environment", f"<dl>{entries}</dl>")


def page(items, where):
    plotting, rows, parts = can_plot(), summary(items), [HEAD, environment_card(where)]
    if rows:
        parts.append("<h2>Ratios</h2>" + card("Over all cases", html_table(
            SUMMARY_COLUMNS, rows, (False, False, True, True, True, True))))
    for bench, those in by_bench(items).items():
        parts.append(f"<h2>{html.escape(bench)}</h2>")
        if plotting:
            parts.append(f'<div class="plots">{plots_of(bench, those)}</div>')
        table = html_table(COLUMNS, [row(item) for item in those], NUMERIC)
        parts.append(f'<details class="card"><summary>All figures, {html.escape(units(those))}'
                     f"</summary>{table}</details>")
    return "\n".join(parts) + "\n</body></html>\n"


def items_read(paths):
    items = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            items += json.load(file)
    return items


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("items", nargs="+", help="lists of items, JSON")
    parser.add_argument("--html", help="the file to write")
    parser.add_argument("--environment", help="JSON object; without it, of this machine")
    parser.add_argument("--command", default=" ".join(sys.argv), help="what was run")
    options = parser.parse_args()
    items = items_read(options.items)
    if options.environment:
        with open(options.environment, encoding="utf-8") as file:
            where = json.load(file)
    else:
        where = environment(options.command)
    print(terminal(items, where))
    if options.html:
        with open(options.html, "w", encoding="utf-8") as file:
            file.write(page(items, where))
        print(f"\nwritten: {options.html}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
