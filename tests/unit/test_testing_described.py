"""What a model's own files say, whoever wrote them; and what its processes are given."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from remote_registry.errors import ModelFailed
from remote_registry.inputs.data import yaml_of
from remote_registry.inputs.texts import InputError
from remote_registry.inputs.values import tags
from remote_registry.testing import allowed as allowing
from remote_registry.testing.allowed import allowed, named_paths
from remote_registry.testing.described import Described, describe
from remote_registry.testing.python import choose

MLMODEL = """
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    python_version: 3.9.1
mlflow_version: 3.17.2
saved_input_example_info:
  artifact_path: input_example.json
utc_time_created: 2024-13-45 99:99:99
"""
PYTHON_ENV = (
    "python: 3.11.7\nbuild_dependencies:\n- pip==23.1\ndependencies:\n- -r requirements.txt\n"
)
CONDA = "dependencies:\n- python=3.10.4\n- pip<=23\n- pip:\n  - scikit-learn==1.5\n"
ODD_YAML = [
    '"\\UFFFFFFFF"',
    "[" * 100_000,
    "a: b: c",
    "? [a]\n: b",
    "\x00",
    "!!python/name:os.system",
]


def model(folder: Path, **files: str) -> Path:
    for name, text in {"MLmodel": MLMODEL, **files}.items():
        (folder / name.replace("_yaml", ".yaml").replace("_txt", ".txt")).write_text(text)
    return folder


def test_what_mlflow_writes(tmp_path: Path) -> None:
    files = {"python_env_yaml": PYTHON_ENV, "conda_yaml": CONDA, "requirements_txt": "x\n"}
    assert describe(model(tmp_path, **files)) == Described(
        python=(3, 11), requirements="requirements.txt", packages=(), mlflow="3.17.2",
        has_example=True,
    )  # fmt: skip


def test_what_stands_in_for_requirements(tmp_path: Path) -> None:
    described = describe(model(tmp_path, conda_yaml=CONDA))
    assert (described.python, described.requirements) == ((3, 10), "")
    assert described.packages == ("scikit-learn==1.5",)
    env = "python: '3.12'\ndependencies: [pandas, 5, {a: b}]\n"
    described = describe(model(tmp_path, python_env_yaml=env))
    assert (described.python, described.packages) == ((3, 12), ("pandas", "5"))


def test_the_flavors_own_python_is_the_last_resort(tmp_path: Path) -> None:
    assert describe(model(tmp_path)).python == (3, 9)


@pytest.mark.parametrize("text", ODD_YAML)
def test_odd_yaml_is_no_crash(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelFailed, match=r"MLmodel can't be read|no flavor"):
        describe(model(tmp_path, MLmodel=text))
    with pytest.raises(ModelFailed, match=r"python_env.yaml can't be read"):
        describe(model(tmp_path, python_env_yaml=text))


@pytest.mark.parametrize("text", ODD_YAML)
def test_nor_is_it_in_tags(text: str) -> None:
    with pytest.raises(InputError):
        tags(f"a: {text}\nb: [")
    with pytest.raises(InputError):
        tags(text)


def test_dates_and_aliases_are_texts() -> None:
    assert yaml_of("a: &x 2024-13-45\nb: *x\n") == {"a": "2024-13-45", "b": "2024-13-45"}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "5",
        "flavors: []",
        "flavors: {sklearn: {}}",
        "flavors: {python_function: 5}",
        "",
        "é: \ud800",
    ],
)
def test_what_is_no_model_for_pyfunc(tmp_path: Path, text: str) -> None:
    (tmp_path / "MLmodel").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ModelFailed, match=r"no flavor python_function|can't be read"):
        describe(tmp_path)


def test_a_file_that_is_too_large_is_told(tmp_path: Path) -> None:
    with (tmp_path / "MLmodel").open("wb") as file:
        file.truncate(5_000_001)
    with pytest.raises(ModelFailed, match=r"MLmodel is too large to be read: 5000001 bytes"):
        describe(tmp_path)


def test_an_environment_file_outside_of_the_model_is_none(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(PYTHON_ENV)
    inside = tmp_path / "model"
    inside.mkdir()
    for name in ("../outside.yaml", str(tmp_path / "outside.yaml"), "a\\0b", "[1]"):
        described = describe(model(inside, MLmodel=MLMODEL.replace("python_env.yaml", name)))
        assert described.python == (3, 9)


@pytest.mark.parametrize("version", ["3.1; import os", "-r x", "3", "${X}", "3.1 --index-url x"])
def test_a_version_of_mlflow_that_is_none(tmp_path: Path, version: str) -> None:
    text = MLMODEL.replace("3.17.2", f"'{version}'")
    assert describe(model(tmp_path, MLmodel=text)).mlflow == ""


SIGN_INS = {
    "HTTPS_PROXY": "http://user:word@proxy:3128",
    "https_proxy": "user:word@proxy:3128",
    "HTTP_PROXY": "word@proxy",
    "PIP_INDEX_URL": "https://user:word@index.example/simple",
    "PIP_EXTRA_INDEX_URL": "https://a.example/simple https://word@b.example/simple",
    "UV_INDEX": "own=https://user:word@index.example/simple",
    "UV_INDEX_URL": "https://index.example/simple?token=word",
    "PIP_FIND_LINKS": "https://index.example/wheels?sig=word",
    "PIP_CONSTRAINT": "https://user:word@index.example/constraints.txt",
    "UV_CONSTRAINT": "https://index.example/constraints.txt?token=word",
}
HARMLESS = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": "/opt/hostedtoolcache/Python/3.12.1/x64/lib",
    "HTTPS_PROXY": "http://proxy:3128",
    "no_proxy": "127.0.0.1,.example.com",
    "PIP_INDEX_URL": "https://mirror.example/simple",
    "SSL_CERT_FILE": "/etc/ssl/own.pem",
}
KEPT_BACK = (
    "GITHUB_TOKEN", "GITHUB_OUTPUT", "GITHUB_ENV", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "HOME",
    "ACTIONS_RUNTIME_TOKEN", "INPUT_REGISTRY_TOKEN", "DATABRICKS_TOKEN", "AWS_SECRET_ACCESS_KEY",
    "PIP_CONFIG_FILE", "PIP_USERNAME", "UV_INDEX_OWN_PASSWORD", "UV_CONFIG_FILE", "PYTHONPATH",
    "LD_PRELOAD", "RUNNER_TEMP", "SSH_AUTH_SOCK", "NETRC",
)  # fmt: skip


def test_what_is_harmless_is_given() -> None:
    assert allowed(HARMLESS) == (HARMLESS, [])


def test_the_page_lists_every_variable_that_is_given() -> None:
    page = (Path(__file__).parents[2] / "docs/verbs.md").read_text(encoding="utf-8")
    (line,) = (one for one in page.splitlines() if one.startswith("- Of the job's variables: "))
    told = line.partition(" No other: ")[0]
    listed = set(re.findall("`([A-Z_]+)`", told)) - {"PIP_", "UV_"}
    names = (*allowing._PLAIN, *allowing._FILES, *allowing._PLACES, *allowing._PROXIES)
    assert listed == {re.sub("^(PIP|UV)_", "", name) for name in names}


def test_a_sign_in_is_kept_back_by_name() -> None:
    given, refused = allowed(SIGN_INS)
    assert given == {}
    assert sorted(refused) == sorted(SIGN_INS)
    assert "word" not in "".join(refused)


def test_nothing_else_is_given() -> None:
    secrets = dict.fromkeys(KEPT_BACK, "a secret")
    assert allowed({**secrets, "HTTP_PROXY": "", "PIP_CERT": "", "TZ": ""}) == ({}, [])


def test_files_that_variables_name_can_be_read(tmp_path: Path) -> None:
    places = f"{tmp_path} file://{tmp_path} https://index.example /nowhere relative"
    assert named_paths({"PIP_FIND_LINKS": places}) == [str(tmp_path)] * 2
    assert named_paths({"PIP_CONSTRAINT": str(tmp_path), "SSL_CERT_FILE": f"/{'a' * 5000}"}) == [
        str(tmp_path)
    ]


def test_the_python_of_the_model_is_taken_where_it_is_here() -> None:
    own = sys.version_info[:2]
    for wanted in (None, own):
        maker = choose(wanted, {"PATH": "/nowhere"})
        assert (maker.uv, maker.warning) == ("", "")
        assert Path(maker.python).is_file()


def a_python(file: Path, told: str) -> None:
    """One that says so of itself."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{told}\n")
    file.chmod(0o755)


def test_else_the_nearest_with_a_warning_that_names_both(tmp_path: Path) -> None:
    maker = choose((3, 29), {"PATH": "/nowhere"})
    minor = sys.version_info[1]
    assert f"made with Python 3.29, and is tested with Python 3.{minor}" in maker.warning
    told = "echo 3 28; echo /tools/python3.28; echo /tools"
    a_python(tmp_path / "Python/3.28.1/x64/bin/python", told)
    maker = choose((3, 29), {"PATH": "/nowhere", "RUNNER_TOOL_CACHE": str(tmp_path)})
    assert maker.python == "/tools/python3.28"
    assert "tested with Python 3.28" in maker.warning


def test_a_python_that_cannot_be_run_is_passed_over(tmp_path: Path) -> None:
    a_python(tmp_path / "python3.29", "exit 127")
    assert "nearest" in choose((3, 29), {"PATH": str(tmp_path)}).warning


def test_uv_brings_the_python_that_was_asked_for(tmp_path: Path) -> None:
    a_python(tmp_path / "uv", "")
    maker = choose((3, 29), {"PATH": str(tmp_path)})
    assert (maker.uv, maker.python, maker.warning) == (str(tmp_path / "uv"), "3.29", "")
    assert maker.brings


def test_uv_is_given_the_python_that_a_shim_stands_for(tmp_path: Path) -> None:
    a_python(tmp_path / "a/python3.29", "exit 127")
    a_python(tmp_path / "b/python3.29", "echo 3 29; echo /pythons/bin/it; echo /pythons")
    a_python(tmp_path / "b/uv", "")
    maker = choose((3, 29), {"PATH": f"{tmp_path}/a:{tmp_path}/b"})
    assert (maker.uv, maker.python) == (str(tmp_path / "b/uv"), "/pythons/bin/it")
    assert maker.needs == (maker.uv, "/pythons")
    assert not maker.brings


def test_of_the_tool_cache_the_newest_of_the_usual_kind_is_taken(tmp_path: Path) -> None:
    for name, told in {
        "3.29.9/x64": "echo 3 29; echo /9; echo /",
        "3.29.10/x64": "echo 3 29; echo /10; echo /",
        "3.29.11/x64-freethreaded": "echo 3 29; echo /11; echo /; exit 1",
        "3.29.12-alpha.1/x64": "echo 3 29; echo /12; echo /; exit 1",
    }.items():
        a_python(tmp_path / "Python" / name / "bin/python", told)
    maker = choose((3, 29), {"PATH": "/nowhere", "RUNNER_TOOL_CACHE": str(tmp_path)})
    assert (maker.python, maker.warning) == ("/10", "")


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("", True),
        ("sys.implementation.name = 'pypy'", False),
        ("sys.version_info = (3, 29, 0, 'alpha', 1)", False),
        ("sysconfig.get_config_var = {'Py_GIL_DISABLED': 1}.get", False),
    ],
)
@pytest.mark.parametrize("name", ["python3.29", "python3", "python"])
def test_a_python_of_another_kind_is_passed_over(
    tmp_path: Path, name: str, kind: str, taken: bool
) -> None:
    told = f"import sys, sysconfig; sys.version_info = (3, 29, 0, 'final', 0); {kind}"
    script = tmp_path / "script.py"
    script.write_text(f"{told}\ncode = sys.argv[4]\ndel sys.argv[1:5]\nexec(code)\n")
    a_python(tmp_path / name, f'exec "{sys.executable}" "{script}" "$@"')
    maker = choose((3, 29), {"PATH": str(tmp_path)})
    assert ("nearest" in maker.warning) is not taken
