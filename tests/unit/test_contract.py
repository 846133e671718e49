"""Each action.yml, its command and the tables agree on inputs, outputs and defaults."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from unit.register_texts import ON_DATABRICKS, ON_SERVER
from unit.secrets_texts import KEPT

from remote_registry import cli, errors
from remote_registry.asked import Approved, Rejected, Requested
from remote_registry.health import Health
from remote_registry.inputs.doctor import doctor_inputs
from remote_registry.inputs.download import download_inputs
from remote_registry.inputs.many import many_inputs
from remote_registry.inputs.promote import promote_inputs
from remote_registry.inputs.register import register_inputs
from remote_registry.inputs.resolve import resolve_inputs
from remote_registry.inputs.retire import retire_inputs
from remote_registry.inputs.secrets import secrets_inputs
from remote_registry.inputs.tested import inputs_of_test
from remote_registry.inputs.transitions import approve_inputs, transition_inputs
from remote_registry.kept import Kept
from remote_registry.outcome import Outcome
from remote_registry.provenance import Provenance
from remote_registry.reached import Downloaded, Promoted, Resolved, Retired
from remote_registry.report.masks import SECRET_INPUTS, variable
from remote_registry.several import Several
from remote_registry.testing.tested import Tested as Tried
from remote_registry.verbs import (
    APPROVE,
    DOCTOR,
    DOWNLOAD,
    MANY,
    PROMOTE,
    REGISTER,
    REJECT,
    REQUEST,
    RESOLVE,
    RETIRE,
    SECRETS,
    TEST,
    VERBS,
    Verb,
)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Contract:
    """A verb, and what has to agree with its action."""

    verb: Verb
    outcome: type[Outcome]
    parse: Callable[[Mapping[str, str | None], Path | None], object]
    good: tuple[dict[str, str], ...]
    required: tuple[str, ...] = ("model-name",)

    def __str__(self) -> str:
        return self.verb.name

    @cached_property
    def action(self) -> dict[str, Any]:
        return yaml.safe_load(self.verb.action.read_text(encoding="utf-8"))

    @property
    def inputs(self) -> dict[str, Any]:
        return self.action["inputs"]

    @property
    def outputs(self) -> dict[str, Any]:
        return self.action["outputs"]

    @property
    def step(self) -> dict[str, Any]:
        (step,) = self.action["runs"]["steps"]
        return step

    @property
    def options(self) -> dict[str, click.Option]:
        params = cli.cli.commands[self.verb.name].params
        return {option.opts[0]: option for option in params if isinstance(option, click.Option)}

    @property
    def is_first(self) -> bool:
        return self.verb is REGISTER

    def table(self, mark: str) -> dict[str, list[str]]:
        """The rows of the table in the README, or on the page of the other verbs."""
        text = README if self.is_first else (ROOT / "docs/verbs.md").read_text(encoding="utf-8")
        start = f"<!-- {mark} -->" if self.is_first else f"<!-- {mark}: {self.verb.folder} -->"
        table = re.search(rf"{start}\n(.*?)<!-- {mark} end -->", text, re.DOTALL)
        assert table
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table[1].splitlines()[2:]]
        return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in rows}


SIDES = tuple(
    {name: text for name, text in good.items() if name != "run-id"}
    for good in (ON_DATABRICKS, ON_SERVER)
)
BY_SCOPE = {
    "model-name": "iris",
    "registry-uri": "databricks://central:prod",
    "tracking-host": ON_DATABRICKS["registry-host"],
    "tracking-token": "dapi-of-the-source",
}
RESOLVED = tuple(side | {"select": "version=3"} for side in (*SIDES, BY_SCOPE))
CONSENTED = tuple(given | {"run-model-code": "true"} for given in RESOLVED)
PROMOTED = tuple(given | {"stage": "Production"} for given in RESOLVED)
ASKED = PROMOTED[:1]  # of a workspace, for an MLflow server has no transition requests
FOR_A_STAGE = ("model-name", "select", "stage")
EXAMINED = tuple(
    {k: it for k, it in one.items() if k != "run-id"} for one in (ON_DATABRICKS, ON_SERVER)
)
CONTRACTS = (
    Contract(REGISTER, Outcome, register_inputs, (ON_DATABRICKS, ON_SERVER)),
    Contract(
        MANY,
        Several,
        lambda raw, checkout: many_inputs(raw, checkout, Provenance()),
        tuple(side | {"models": str(ROOT / "docs/models.yml")} for side in SIDES),
        ("models",),
    ),
    Contract(DOCTOR, Health, doctor_inputs, EXAMINED, ()),
    Contract(SECRETS, Kept, secrets_inputs, (KEPT,), ("scope", "prefix")),
    Contract(RESOLVE, Resolved, resolve_inputs, RESOLVED, ("model-name", "select")),
    Contract(DOWNLOAD, Downloaded, download_inputs, RESOLVED, ("model-name", "select")),
    Contract(TEST, Tried, inputs_of_test, CONSENTED, ("model-name", "select")),
    Contract(PROMOTE, Promoted, promote_inputs, PROMOTED, ("model-name", "select")),
    Contract(REQUEST, Requested, transition_inputs, ASKED, FOR_A_STAGE),
    Contract(APPROVE, Approved, approve_inputs, ASKED, FOR_A_STAGE),
    Contract(REJECT, Rejected, transition_inputs, ASKED, FOR_A_STAGE),
    Contract(RETIRE, Retired, retire_inputs, RESOLVED),
)


@pytest.fixture(params=CONTRACTS, ids=str)
def of(request: pytest.FixtureRequest) -> Contract:
    return request.param


def test_the_action_is_one_short_step_that_becomes_the_command(of: Contract) -> None:
    assert of.action["runs"]["using"] == "composite"
    assert "uses" not in of.step
    lines = of.step["run"].splitlines()
    assert len(lines) <= 5
    up = "" if of.is_first else "/../.."
    assert lines[-1] == f'exec "$GITHUB_ACTION_PATH{up}/entrypoint" {of.verb.name}'


def test_every_input_is_handed_over_as_its_own_variable_and_nothing_else_is(of: Contract) -> None:
    handed = {variable(name): f"${{{{ inputs.{name} }}}}" for name in of.inputs}

    assert of.step["env"] == handed


def test_no_input_stands_in_the_script(of: Contract) -> None:
    assert "${{" not in of.step["run"]


def test_every_output_is_the_steps_of_the_same_name(of: Contract) -> None:
    values = {name: output["value"] for name, output in of.outputs.items()}

    told = f"steps.{of.step['id']}.outputs"
    assert values == {name: f"${{{{ {told}.{name} }}}}" for name in of.outputs}


def test_the_command_writes_the_outputs_that_the_action_has(of: Contract) -> None:
    assert list(of.outcome("churn").outputs()) == list(of.outputs)


def test_the_result_holds_every_output_but_the_page(of: Contract) -> None:
    outcome = of.outcome("churn", version="7", registry_url="https://host.example/page")

    result = outcome.result()

    assert set(of.outputs) - {"registry-url", "result"} <= set(result)
    assert "host.example" not in str(result)


def test_the_command_has_the_inputs_that_the_action_has(of: Contract) -> None:
    assert sorted([*of.verb.inputs, *of.verb.secrets]) == sorted(of.inputs)
    assert set(of.verb.secrets) <= set(SECRET_INPUTS)
    assert not set(of.verb.inputs) & set(SECRET_INPUTS)


def test_an_input_is_an_option_and_a_variable_and_a_secret_is_a_file(of: Contract) -> None:
    for name in of.inputs:
        if name in SECRET_INPUTS:
            assert f"--{name}" not in of.options
            assert of.options[f"--{name}-file"].envvar is None
        else:
            assert of.options[f"--{name}"].envvar == variable(name)


def test_there_are_no_other_options(of: Contract) -> None:
    expected = {f"--{name}" for name in of.verb.inputs}

    assert set(of.options) == expected | {f"--{name}-file" for name in of.verb.secrets} | {"--json"}


def test_no_option_has_a_default_of_its_own(of: Contract) -> None:
    texts = [option for option in of.options.values() if not option.is_flag]

    assert {option.to_info_dict()["default"] for option in texts} == {None}


def test_an_input_that_is_not_given_means_its_default(of: Contract) -> None:
    given = {name: it["default"] for name, it in of.inputs.items() if it.get("default")}
    defaults = {name: text for name, text in given.items() if "${{" not in text}

    assert set(given) - set(defaults) <= {"github-token"}
    assert len(defaults) > 1
    for good in of.good:
        assert of.parse(good | defaults, None) == of.parse(good, None)


def test_what_is_required_is_so(of: Contract) -> None:
    assert tuple(name for name, it in of.inputs.items() if it.get("required")) == of.required
    for name in of.required:
        with pytest.raises(errors.BadInput, match=f"{name}: "):
            of.parse(of.good[0] | {name: ""}, None)


def test_the_page_has_all_inputs_with_their_defaults(of: Contract) -> None:
    rows = of.table("inputs")

    assert list(rows) == list(of.inputs)
    assert {name: cells[1].strip("`") for name, cells in rows.items()} == {
        name: it.get("default", "") for name, it in of.inputs.items()
    }


def test_the_page_has_all_outputs(of: Contract) -> None:
    assert list(of.table("outputs")) == list(of.outputs)


def test_a_description_is_told_to_people(of: Contract) -> None:
    assert all(entry["description"] for entry in [*of.inputs.values(), *of.outputs.values()])


def test_every_verb_has_an_action_and_every_action_a_verb() -> None:
    assert [contract.verb for contract in CONTRACTS] == list(VERBS)
    assert set(cli.cli.commands) == {verb.name for verb in VERBS}
    files = {ROOT / "action.yml", *ROOT.glob("actions/*/action.yml")}
    assert {verb.action for verb in VERBS} == files


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.yml")), ids=lambda path: path.name)
def test_an_example_gives_inputs_that_are_there(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    ours = [step for step in steps if "register-remote-model" in step.get("uses", "")]
    inputs = {contract.verb.folder: contract.inputs for contract in CONTRACTS}

    assert ours
    for step in ours:
        folder = step["uses"].partition("@")[0].removeprefix("your-org/register-remote-model")
        assert set(step["with"]) <= set(inputs[folder.strip("/") or "."])


def test_the_readme_has_all_exit_codes() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.Failure)}

    for script in ("entrypoint", "src/environment.sh"):
        text = (ROOT / script).read_text(encoding="utf-8")
        codes |= set(map(int, re.findall(r"\bfail (\d+) ", text)))
    codes |= {128 + number for number in (signal.SIGINT, signal.SIGTERM)}

    rows = re.findall(r"^\| (\d+(?:, \d+)*) \|", README, re.MULTILINE)
    told = [int(code) for row in rows for code in row.split(", ")]
    assert sorted(told) == sorted({0, *codes})
