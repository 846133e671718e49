"""As much of SVG as the pictures need, for light and for dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.quiet { fill: #59636e }
.first { fill: #0969da }
.other { fill: #afb8c1 }
.grid { stroke: #d1d9e0 }
.bound { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
.line { fill: none; stroke: #0969da; stroke-width: 2 }
.line.other { fill: none; stroke: #818b98 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .first { fill: #4493f8 }
  .other { fill: #59636e }
  .grid { stroke: #3d444d }
  .bound { stroke: #f85149 }
  .line { stroke: #4493f8 }
}
"""


def document(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""]
    )


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    where = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f"<text {where} class={quoteattr(kind)}>{escape(content)}</text>"


def bar(x: float, y: float, width: float, height: float, kind: str) -> str:
    size = f'x="{x:g}" y="{y:g}" width="{max(width, 1):.1f}" height="{height:g}"'
    return f'<rect {size} rx="2" class={quoteattr(kind)}/>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f"<line {ends} class={quoteattr(kind)}/>"


def polyline(points: Sequence[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{kind}"/>' for x, y in points)
    return f'<polyline points="{path}" class="line {kind}"/>{dots}'
