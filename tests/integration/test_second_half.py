"""The half of `test` that runs a model's code: what a hostile one learns, and what it leaves."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import runner
from command import Run
from runnable import MLMODEL, model_files, of_the_tests
from second_half import SECRET, ended, second_half, started
from told import assert_told

HEAD = """
import json, os, sys, time

class Model:
    def predict(self, data, params=None):
        return predicted(data)

def _load_pyfunc(path):
    return Model()

def predicted(data):
"""
SPY = """
    found = {"environment": dict(os.environ), "home": os.listdir(os.environ["HOME"])}
    with open("/proc/self/status") as file:
        found["status"] = file.read()
    found["above"], process = {}, os.getpid()
    while process > 1:
        with open(f"/proc/{process}/stat") as file:
            process = int(file.read().rpartition(")")[2].split()[1])
        for name in ("environ", "mem", "fd/0"):
            try:
                path = f"/proc/{process}/{name}"
                if name == "fd/0":
                    found["above"][path] = os.readlink(path)
                else:
                    found["above"][path] = open(path, "rb").read(100).decode(errors="replace")
            except OSError as error:
                found["above"][path] = type(error).__name__
    found["reads"] = {}
    for path in PLACES:
        try:
            found["reads"][path] = os.listdir(path) if os.path.isdir(path) else open(path).read()
        except OSError as error:
            found["reads"][path] = type(error).__name__
    found["writes"] = {}
    for folder in ("/tmp", "/var/tmp", "/", os.path.dirname(PLACES[0])):
        try:
            with open(f"{folder}/written-by-the-model", "w"):
                found["writes"][folder] = "written"
        except OSError as error:
            found["writes"][folder] = type(error).__name__
    try:
        os.kill(os.getppid(), 0)
        found["signals"] = "sent"
    except OSError as error:
        found["signals"] = type(error).__name__
    found["descriptors"] = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                            if os.path.exists(f"/proc/self/fd/{n}")]
    return [found]
"""


def hostile(code: str, **files: str) -> dict[str, str]:
    lines = "\n".join(f"    {line}" for line in code.strip("\n").splitlines())
    return model_files(HEAD + lines, **files)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return of_the_tests(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def run(tmp_path: Path, packages: dict[str, str]) -> Callable[..., Run]:
    def to_the_end(files: dict[str, str], more: dict[str, str] | None = None, **inputs: str) -> Run:
        return second_half(tmp_path, files, packages | (more or {}), **inputs)

    return to_the_end


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The job's folder for temporary files."""
    return tmp_path / "temporary"


def waiting_for(found: Callable[[], object]) -> object:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if it := found():
            return it
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_it_predicts_what_is_expected(run: Callable[..., Run], temporary: Path) -> None:
    done = run(model_files(), expect="[2, 4]")
    assert done.code == 0, done.log
    assert (done.outputs["passed"], done.outputs["prediction"]) == ("true", "[2, 4]")
    assert "what follows runs the model's code" in done.log
    assert "| &#9989; | &#123;&#34;x&#34;&#58; 2&#125; | 4 | 4 |" in done.summary
    assert list(temporary.iterdir()) == []


def test_it_predicts_something_else(run: Callable[..., Run], temporary: Path) -> None:
    done = run(model_files(), expect="[2, 5]")
    assert_told(done, 6, "Test failed", "not what was expected", "predicted: [2, 4]", "[2, 5]")
    assert (done.outputs["passed"], done.outputs["prediction"]) == ("false", "[2, 4]")
    assert "| &#10060; | &#123;&#34;x&#34;&#58; 2&#125; | 4 | 5 |" in done.summary
    assert list(temporary.iterdir()) == []


def test_a_model_learns_nothing_of_the_job(
    run: Callable[..., Run], tmp_path: Path, packages: dict[str, str]
) -> None:
    secrets = {
        "ACTIONS_RUNTIME_TOKEN": SECRET,
        "DATABRICKS_TOKEN": SECRET,
        "HTTPS_PROXY": f"http://user:{SECRET}@127.0.0.1:1",
        "PIP_TRUSTED_HOST": "index.example",
    }
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text(SECRET)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.netrc").write_text(SECRET)
    places = [str(tmp_path / name) for name in (".git/config", "home/.netrc", ".")]
    spy = model_files(HEAD + SPY.replace("PLACES", repr([*places, "/root", "/tmp"])))
    done = run(spy, secrets)
    assert done.code == 0, done.log
    assert "HTTPS_PROXY may hold a sign-in" in done.log
    shown = "\n".join(one for one in done.log.splitlines() if not one.startswith("::add-mask::"))
    assert SECRET not in shown + done.summary + str(done.outputs)
    (found,) = json.loads(done.outputs["prediction"])
    names = set(found["environment"])
    assert not {name for name in names if name.startswith(("GITHUB", "ACTIONS", "INPUT", "RUNNER"))}
    assert found["environment"]["PIP_TRUSTED_HOST"] == "index.example"
    assert found["environment"]["HOME"] != str(tmp_path / "home")
    assert found["home"] == []
    assert "NoNewPrivs:\t1" in found["status"]
    # Of some kernels /proc/<pid>/environ can be opened, and is empty.
    assert set(found["above"].values()) <= {"PermissionError", ""}
    assert set(found["reads"].values()) == {"PermissionError"}
    assert set(found["writes"].values()) == {"PermissionError"}
    assert found["signals"] == "PermissionError"
    assert not [path for path in found["descriptors"] if path.startswith(str(tmp_path))]


def test_no_process_of_ours_has_a_secret_in_its_environment(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    files = hostile('open(os.environ["HOME"] + "/here", "w"); time.sleep(60)')
    process = started(tmp_path, files, packages)
    try:
        waiting_for(lambda: list(tmp_path.glob("temporary/*/home/here")))
        below = children(process.pid)
        assert below
        for number in [process.pid, *below]:
            told = environment_of(number)
            assert SECRET not in told
            assert "GITHUB_" not in told
            assert "INPUT_" not in told
    finally:
        process.terminate()
        ended(process, tmp_path)


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [*map(int, listed), *(child for one in listed for child in children(int(one)))]


def environment_of(process: int) -> str:
    """What anybody of this user sees; nothing, where the process does not let them."""
    try:
        return Path(f"/proc/{process}/environ").read_text(errors="replace")
    except PermissionError:
        return ""


def test_what_a_model_prints_is_data(run: Callable[..., Run]) -> None:
    prints = """
out = sys.stdout.buffer
out.write(b"::error::obeyed\\n::set-output name=x::y\\n  ::stop-commands::z\\n##[error]old\\n")
out.write(b"\\xff\\xfe not UTF-8\\r::warning::after a return\\n")
out.write(b"\\x1b[31mred\\x1b[0m \\xe2\\x80\\xae back\\n")
for _ in range(3000):
    out.write(b"a" * 2000 + b"\\n")
out.write(b"the end, without a line's end")
out.flush()
return ["::error::predicted", "| <b> @somebody </b> | ```", "\\n\\nlast"]
"""
    done = run(hostile(prints), rows='[{"x": "<img>"}, {"x": "2"}, {"x": "3"}]')
    assert done.code == 0, done.log
    obeyed = {command.name for command in runner.commands(done.log)}
    assert obeyed <= {"add-mask", "group", "endgroup"}
    assert "##[" not in done.log
    assert "\x1b" not in done.log
    assert "more lines" in done.log
    assert len(done.log) < 200_000
    assert "<img>" not in done.summary
    assert "<b>" not in done.summary
    assert json.loads(done.outputs["prediction"])[0] == "::error::predicted"
    assert set(done.outputs) == set(json.loads(done.outputs["result"])) & set(done.outputs) | {
        "registry-url",
        "result",
    }


DAEMONS = """
import signal
for number in (1, 2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(ignored, signal.SIG_IGN)
            code = "import time; time.sleep(3600)"
            os.execv(sys.executable, [sys.executable, "-c", code, "of-the-tests"])
        os._exit(0)
    os.wait()
time.sleep(1)
return [[process for process in os.listdir("/proc") if is_daemon(process)]]
"""
IS_DAEMON = """
def is_daemon(process):
    try:
        with open(f"/proc/{process}/cmdline") as file:
            return file.read().endswith("of-the-tests\\0")
    except OSError:
        return False
"""


def test_daemons_are_ended(run: Callable[..., Run], temporary: Path) -> None:
    files = hostile(DAEMONS)
    files["code/loader.py"] += IS_DAEMON
    done = run(files)
    assert done.code == 0, done.log
    (daemons,) = json.loads(done.outputs["prediction"])
    assert len(daemons) == 2
    assert not [process for process in daemons if Path("/proc", process, "exe").exists()]
    assert list(temporary.iterdir()) == []


def test_a_model_that_takes_too_long(run: Callable[..., Run], temporary: Path) -> None:
    begun = time.monotonic()
    done = run(hostile('print("still at it"); time.sleep(3600)'), timeout="25")
    assert_told(done, 6, "the 25 seconds of the timeout", "still at it", "Raise timeout")
    assert time.monotonic() - begun < 60
    assert done.outputs["passed"] == "false"
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_cancelled_test_leaves_nothing(
    tmp_path: Path, packages: dict[str, str], temporary: Path, signum: int, code: int
) -> None:
    files = hostile("""
import signal
for ignored in (signal.SIGTERM, signal.SIGINT):
    signal.signal(ignored, signal.SIG_IGN)
os.chmod(os.environ["TMPDIR"], 0)
open(os.environ["HOME"] + "/here", "w")
time.sleep(3600)
""")
    process = started(tmp_path, files, packages)
    waiting_for(lambda: list(tmp_path.glob("temporary/*/home/here")))
    below = children(process.pid)
    process.send_signal(signum)
    done = ended(process, tmp_path)
    assert_told(done, code, "Cancelled")
    assert not [number for number in below if Path(f"/proc/{number}/exe").exists()]
    assert list(temporary.iterdir()) == []


def test_a_killed_test_is_cleared_by_the_next_one(
    tmp_path: Path, packages: dict[str, str], temporary: Path
) -> None:
    files = hostile('open(os.environ["HOME"] + "/here", "w"); time.sleep(3600)')
    process = started(tmp_path, files, packages)
    waiting_for(lambda: list(tmp_path.glob("temporary/*/home/here")))
    below = children(process.pid)
    process.kill()
    ended(process, tmp_path)
    waiting_for(lambda: not any(Path(f"/proc/{number}/exe").exists() for number in below))
    assert len(list(temporary.iterdir())) == 1
    done = second_half(tmp_path, model_files(), packages)
    assert done.code == 0, done.log
    assert list(temporary.iterdir()) == []


def test_what_a_second_signal_leaves_is_told(
    tmp_path: Path, packages: dict[str, str], temporary: Path
) -> None:
    files = hostile("""
for number in range(40_000):
    open(os.environ["TMPDIR"] + f"/{number}", "w").close()
open(os.environ["HOME"] + "/here", "w")
time.sleep(3600)
""")
    process = started(tmp_path, files, packages)
    waiting_for(lambda: list(temporary.glob("*/home/here")))
    below = children(process.pid)
    process.terminate()
    waiting_for(lambda: not list(temporary.glob("*/predict.py")))
    process.terminate()
    done = ended(process, tmp_path)
    assert done.code == 143
    assert not [number for number in below if Path(f"/proc/{number}/exe").exists()]
    (left,) = temporary.iterdir()
    assert f"Left behind: {left}" in done.annotations()[0]
    assert left.name in done.summary


def test_whatever_a_model_leaves_in_its_folder_goes(
    run: Callable[..., Run], tmp_path: Path, temporary: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    leaves = f"""
os.chdir(os.environ["TMPDIR"])
os.symlink({str(outside)!r}, "link")
os.mkfifo("pipe")
for _ in range(1500):
    os.mkdir("deeper")
    os.chdir("deeper")
os.symlink({str(outside / "kept")!r}, "link")
os.chdir(os.environ["HOME"])
os.makedirs("closed/inner")
os.chmod("closed/inner", 0)
os.chmod("closed", 0)
return [1]
"""
    done = run(hostile(leaves))
    assert done.code == 0, done.log
    assert (outside / "kept").read_text() == "kept"
    assert list(temporary.iterdir()) == []


REPLACES = """
import os, sys
top = os.path.dirname(sys.prefix)
for name in ("predict.py", "request.json", "tmp"):
    path = f"{top}/{name}"
    if os.path.lexists(path):
        os.rename(path, f"{path}.old")
    os.symlink(TARGET, path)
"""


def test_a_link_in_place_of_a_file_of_ours_leads_nowhere(tmp_path: Path, temporary: Path) -> None:
    """Requirements run code too: theirs comes before the model's."""
    (tmp_path / "wheels").mkdir()
    kept = tmp_path / "kept"
    kept.write_text("kept")
    packages = of_the_tests(tmp_path / "wheels", REPLACES.replace("TARGET", repr(str(kept))))
    done = second_half(tmp_path, model_files(), packages)
    assert done.code == 6, done.log
    assert kept.read_text() == "kept"
    assert list(temporary.iterdir()) == []


FORGES = """
descriptor = [int(word) for word in sys.argv if word.isdigit()][-1]
os.write(descriptor, json.dumps({"prediction": [2], "python": PYTHON}).encode())
os._exit(0)
"""


def test_a_forged_answer_is_data_all_through(run: Callable[..., Run]) -> None:
    forged = "3.11\n# Approved <img src=x> @somebody" + "!" * 100_000
    done = run(hostile(FORGES.replace("PYTHON", repr(forged))))
    assert done.code == 0, done.log
    assert "Approved" not in done.summary + str(done.outputs)


def test_a_daemon_without_its_first_thread_is_ended(run: Callable[..., Run]) -> None:
    code = "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(3600,))"
    code = f"{code}.start(); ctypes.CDLL(None).pthread_exit(None)"
    files = hostile(f"""
import subprocess
parent = subprocess.run(
    [sys.executable, "-c", "import subprocess, sys; print(subprocess.Popen([sys.executable, "
     "'-c', sys.argv[1]], start_new_session=True, stdout=-3).pid)", {code!r}],
    stdout=-1, text=True,
)
while ") Z " not in open(f"/proc/{{parent.stdout.strip()}}/stat").read():
    time.sleep(0.05)
return [int(parent.stdout)]
""")
    done = run(files)
    assert done.code == 0, done.log
    (daemon,) = json.loads(done.outputs["prediction"])
    assert not [task for task in Path("/proc").glob(f"{daemon}/task/*") if task.name != str(daemon)]


def test_a_process_that_ends_without_an_answer(run: Callable[..., Run]) -> None:
    assert_told(run(hostile("os._exit(3)")), 6, "ended with exit code 3, and answered nothing")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise SystemExit('::error::stop')", "predicting failed: SystemExit: ::error::stop"),
        ("loop = []\nloop.append(loop)\nreturn loop", "nested deeper than"),
    ],
)
def test_a_model_that_fails(run: Callable[..., Run], code: str, told: str) -> None:
    done = run(hostile(code))
    assert (done.code, done.outputs["passed"]) == (6, "false")
    (annotation,) = done.annotations()
    assert told in annotation.replace("\u200b", "")
    assert "| Traceback (most recent call last):" in done.log  # the model's own
    assert {command.name for command in runner.commands(done.log)} <= {
        *("add-mask", "group", "endgroup", "error")
    }


def test_what_cannot_be_loaded(run: Callable[..., Run]) -> None:
    done = run(model_files("import nowhere_to_be_found\n"))
    assert done.code == 6
    (annotation,) = done.annotations()
    assert "loading the model failed: ModuleNotFoundError" in annotation
    assert "nowhere_to_be_found" in done.summary


def test_requirements_that_cannot_be_installed(run: Callable[..., Run], temporary: Path) -> None:
    files = model_files(**{"requirements.txt": "no-such-package-anywhere==1.2.3\n"})
    told = ("Installing the model's requirements.txt ended with exit code 1", "no-such-package")
    assert_told(run(files), 6, *told)
    assert list(temporary.iterdir()) == []


def test_a_model_that_names_no_mlflow_at_all(run: Callable[..., Run]) -> None:
    mlmodel = MLMODEL.replace("mlflow_version: 3.1.0", "")
    files = model_files(**{"requirements.txt": "# nothing\n", "MLmodel": mlmodel})
    assert_told(run(files), 6, "requires no mlflow", "pip_requirements")


def test_python_env_yaml_stands_in_for_requirements(run: Callable[..., Run]) -> None:
    environment = 'dependencies:\n- packages-of-the-tests\n- "# \\ud800"\n'
    not_pip = "raise SystemExit('the pip of the model')\n"
    files = model_files(**{"python_env.yaml": environment, "pip.py": not_pip})
    del files["requirements.txt"]
    done = run(files, expect="[2, 4]")
    assert done.code == 0, done.log
