"""The models that are carried: their files, written where a run keeps them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
SMALL = "5-small"
SMALL_FILES = {
    "conda.yaml": 218,
    "model.pkl": 932,
    "python_env.yaml": 113,
    "requirements.txt": 97,
}
FILES_IN_A_FOLDER = 1000
PIECE = 1 << 20
MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    data: data
    loader_module: benchmark
    python_version: 3.11.0
mlflow_version: 3.0.0
model_size_bytes: {size}
run_id: {run_id}
utc_time_created: '2026-01-01 00:00:00.000000'
"""


@dataclass(frozen=True)
class Model:
    """`sizes` are those of its files, beside the file `MLmodel` that every model has."""

    name: str
    sizes: dict[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    @property
    def files(self) -> int:
        return len(self.sizes) + 1


def parse_model(name: str) -> Model:
    """`5-small`, which is what scikit-learn's models look like, or such as `8x64MiB`."""
    if name == SMALL:
        return Model(name, SMALL_FILES)
    match = re.fullmatch(r"(\d+)x(\d+[A-Za-z]+)", name)
    if not match:
        raise ValueError(f"{name!r} is neither {SMALL!r} nor such as '8x64MiB'")
    number, size = int(match[1]), parse_size(match[2])
    return Model(name, {_path(index): size for index in range(number)})


def _path(index: int) -> str:
    return f"data/{index // FILES_IN_A_FOLDER:03}/part-{index:06}.bin"


def parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)\s*(B|KiB|MiB|GiB)", text)
    if not match:
        raise ValueError(f"{text!r} is not a size such as '64MiB' (B, KiB, MiB, GiB)")
    return int(match[1]) * UNITS[match[2]]


def size_text(size: float) -> str:
    """Such as `1.5 MiB`."""
    unit = [unit for unit, least in UNITS.items() if least <= max(size, 1)][-1]
    return f"{size / UNITS[unit]:.1f}".removesuffix(".0") + f" {unit}"


def write_model(model: Model, folder: Path, run_id: str) -> None:
    """The files as a run would keep them; no two of their MiBs are the same."""
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(MLMODEL.format(size=model.bytes, run_id=run_id))
    pieces = _pieces()
    for path, size in model.sizes.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            _fill(out, size, pieces)


def _fill(out: BinaryIO, size: int, pieces: Iterator[bytes]) -> None:
    out.writelines(next(pieces)[: size - begin] for begin in range(0, size, PIECE))


def _pieces() -> Iterator[bytes]:
    noise = os.urandom(PIECE)
    for number in count():
        yield number.to_bytes(8, "big") + noise[8:]
