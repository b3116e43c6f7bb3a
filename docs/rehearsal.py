"""Draw docs/rehearsal.svg anew, from a full rehearsal (python docs/rehearsal.py [FOLDER]; some minutes).

The upper half is the report's own drawing, the lower half what the command prints.  FOLDER is where a
rehearsal lies already, with what it printed in out.txt; else one is made in a temporary folder.
"""

import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = ["lab", "run", "nig-switchover"]
# The report's colours, in the light (page/style.css).
STYLE = """
text { fill: #1c1f24; font: 13px sans-serif } .small { font-size: 11px; fill: #5a616b }
.name { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
.axis { stroke: #d5d9df } .event { stroke: #5a616b; stroke-dasharray: 3 3 }
.line0 { fill: none; stroke: #0072b2; stroke-width: 2 }
.line1 { fill: none; stroke: #b45400; stroke-width: 2; stroke-dasharray: 7 3 }
.said { font: 12px monospace; white-space: pre } .typed { font-weight: bold }
.good { fill: #00715a } .bad { fill: #b45400 }
"""
WIDTH, TOP, CHART, LINE = 1160, 44, 300, 17


def draw(page: str, printed: str) -> str:
    """Put the report's drawing above what was printed."""
    section = page[page.index('<section id="changed"') :]
    found = re.search(r"<svg[^>]*>(.*?)</svg>", section, re.S)
    assert found is not None
    chart = re.sub(r"<(title|desc)>.*?</\1>", "", found[1], flags=re.S)
    # How long it took and where the page lies is this machine's business.
    lines = [line for line in printed.splitlines() if not line.startswith(("Took: ", "Report: "))]
    height = TOP + CHART + LINE * (len(lines) + 2) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>A full rehearsal: ISPs behind the gate, day by day, and what the report found</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="20" y="26" class="said typed">$ gatewatch {" ".join(COMMAND)}</text>',
        f'<g transform="translate(120 {TOP})">{chart}</g>',
    ]
    for number, line in enumerate(lines):
        y = TOP + CHART + LINE * (number + 2)
        kind = {"yes ": " good", "NO  ": " bad"}.get(line[:4], "")
        mark = f'<tspan class="said{kind}">{escape(line[:4])}</tspan>' if kind else escape(line[:4])
        parts.append(
            f'<text x="20" y="{y}" class="said" xml:space="preserve">{mark}{escape(line[4:])}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Draw."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(place) / "rehearsal"
        if len(sys.argv) > 1:
            printed = (folder / "out.txt").read_text(encoding="utf-8")
        else:
            command = [sys.executable, "-m", "gatewatch", *COMMAND, "--root", str(folder)]
            printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        page = (folder / "report.html").read_text(encoding="utf-8")
    (HERE / "rehearsal.svg").write_text(draw(page, printed), encoding="utf-8")


if __name__ == "__main__":
    main()
