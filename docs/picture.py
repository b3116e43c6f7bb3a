"""Draw docs/demo.svg anew: what `gatewatch demo` prints, as a terminal shows it (python docs/picture.py)."""

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WANTED = ("Findings", "Blocking by ISP", "Blocking by layer", "Last domestic")
WIDTH = 172

shown = subprocess.run(
    [sys.executable, "-m", "gatewatch", "demo"], capture_output=True, text=True, check=True
).stdout
sections = [part for part in shown.split("\n\n") if part.startswith(WANTED)]
console = Console(record=True, width=WIDTH, file=io.StringIO())
console.print(Text("$ gatewatch demo\n", style="bold green"))
for section in sections:
    title, _, body = section.partition("\n")
    console.print(Text(title, style="bold cyan"))
    console.print(Text(body + "\n"))
svg = console.export_svg(title="gatewatch demo")
# The picture must not fetch anything: opening it must tell nobody.
svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S).replace("Fira Code, ", "")
Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")
