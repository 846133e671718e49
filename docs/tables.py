"""Writes the pages' tables of inputs and outputs, and their examples, from the files they are of.

`python docs/tables.py` rewrites them; with `--check` it exits with 1 where they differ.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def rows(entries: dict[str, dict[str, str]], *, with_default: bool) -> Iterator[str]:
    """The lines of a Markdown table of inputs or outputs."""
    default_head = " default |" if with_default else ""
    yield f"| name | meaning |{default_head}"
    yield f"| --- | --- |{' --- |' if with_default else ''}"
    for name, entry in entries.items():
        meaning = entry["description"].replace("|", "\\|")
        default = f" `{entry['default']}` |" if entry.get("default") else "  |"
        required = " Required." if entry.get("required") else ""
        yield f"| `{name}` | {meaning}{required} |{default if with_default else ''}"


def replaced(text: str, mark: str, content: str) -> str:
    """The text with what stands between `<!-- mark -->` and its end replaced."""
    name = re.escape(mark.split(":", maxsplit=1)[0])
    pattern = rf"(<!-- {re.escape(mark)} -->\n).*?(<!-- {name} end -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{content}\n{found[2]}", text, flags=re.DOTALL)


def written(page: str) -> str:
    """A page as it ought to be."""
    for mark, kind, folder in re.findall(r"<!-- ((inputs|outputs)(?:: (\S+))?) -->", page):
        file = ROOT / folder / "action.yml"
        action = yaml.safe_load(file.read_text(encoding="utf-8"))
        table = "\n".join(rows(action[kind], with_default=kind == "inputs"))
        page = replaced(page, mark, table)
    for path in re.findall(r"<!-- example: (\S+) -->", page):
        example = (ROOT / path).read_text(encoding="utf-8").rstrip()
        page = replaced(page, f"example: {path}", f"```yaml\n{example}\n```")
    return page


def main() -> None:
    """Writes the pages, or compares."""
    for name in ("README.md", "docs/verbs.md"):
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = written(before)
        if "--check" not in sys.argv[1:]:
            path.write_text(after, encoding="utf-8")
        elif before != after:
            sys.exit(f"{name} is not what docs/tables.py writes")


if __name__ == "__main__":
    main()
