"""The command line: the only room that knows options. One thin function per verb."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

import click

from . import __version__
from .asked import Approved, Rejected, Requested
from .health import Health
from .kept import Kept
from .outcome import Outcome
from .reached import Downloaded, Promoted, Resolved, Retired
from .report.masks import variable
from .run import Call, run
from .several import Several
from .testing.tested import Tested
from .verbs import (
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
    Verb,
)


class _Described(click.Command):
    """Takes its options' help from the verb's `action.yml`, so that there is one text of each."""

    verb: Verb

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        described = self.verb.described_inputs()
        for option in self.params:
            name = (option.name or "").replace("_", "-")
            if isinstance(option, click.Option) and name in described:
                option.help = described[name]
        super().format_help(context, formatter)


@click.group(context_settings={"max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Carries an MLflow model into the registry of another workspace or server, exactly once.

    `./entrypoint demo` shows it with two workspaces on this machine.
    """


def _command(
    verb: Verb, outcome: Callable[[str], Outcome] = Outcome
) -> Callable[[Callable[[Call], None]], click.Command]:
    """Makes a command of a verb's function, with an option for each input.

    Each option can be given as INPUT_<NAME> too. A secret has a file instead of an option.

    Args:
        outcome: What is filled as the verb goes on, by the model's name.
    """

    def made(carry_out: Callable[[Call], None]) -> click.Command:
        def called(as_json: bool, **options: str | None) -> None:
            reached = outcome(options.get("model_name") or "")
            run(verb, options, reached, as_json, carry_out)

        command = _Described(verb.name, callback=called, help=carry_out.__doc__)
        command.verb = verb
        for name in verb.inputs:
            command.params.append(
                click.Option([f"--{name}"], envvar=variable(name), metavar="TEXT")
            )
        for name in verb.secrets:
            command.params.append(
                click.Option([f"--{name}-file"], help=f"A file that holds {name}.")
            )
        shown = "Print the outputs as JSON on stdout."
        command.params.append(click.Option(["--json", "as_json"], is_flag=True, help=shown))
        cli.add_command(command)
        return command

    return made


@_command(REGISTER)
def register(call: Call) -> None:
    """Registers a model, waits until it is READY, verifies and promotes it.

    Each option can be given as INPUT_<NAME> too; an option wins. Tokens and passwords have no
    option: INPUT_REGISTRY_TOKEN and the like, or a file.
    """
    from .inputs.register import register_inputs
    from .inputs.stores import with_stores

    inputs = with_stores(call.read(register_inputs), call.taken)
    from .attempt import attempt_from
    from .commenting import commenting
    from .register import register as carry_out

    attempt = attempt_from(os.environ)
    with commenting(inputs, call):
        carry_out(inputs, call.provenance, attempt, call.outcome, call.console)


@_command(MANY, Several)
def many(call: Call) -> None:
    """Registers the models of a YAML file side by side, each on its own; or lists them as a matrix.

    A model that fails stops no other. The exit code is that of the worst.
    """
    from .inputs.many import many_inputs
    from .inputs.stores import many_with_stores

    inputs = call.read(lambda raw, checkout: many_inputs(raw, checkout, call.provenance))
    inputs = many_with_stores(inputs, call.taken)
    from .attempt import attempt_from
    from .commenting import commenting_on_each
    from .many import many as carry_out

    outcome = cast(Several, call.outcome)
    with commenting_on_each(inputs, call, outcome):
        carry_out(inputs, call.provenance, lambda: attempt_from(os.environ), outcome, call.console)


@_command(SECRETS, Kept)
def secrets(call: Call) -> None:
    """Keeps host, token and id of the registry's workspace in a secret scope of the source's."""
    from .inputs.secrets import secrets_inputs

    inputs = call.read(secrets_inputs)
    from .secrets import secrets as carry_out

    carry_out(inputs, cast(Kept, call.outcome), call.console)


@_command(DOCTOR, Health)
def doctor(call: Call) -> None:
    """Tells what would stand in the way of registering. Changes nothing but by `probe`."""
    from .inputs.doctor import doctor_inputs

    inputs = call.read(doctor_inputs)
    from .doctor import doctor as carry_out

    carry_out(inputs, cast(Health, call.outcome), call.console)


@_command(RESOLVE, Resolved)
def resolve(call: Call) -> None:
    """Finds a version in the registry, and tells all of it. Changes nothing."""
    from .inputs.resolve import resolve_inputs

    inputs = call.read(resolve_inputs)
    from .github import github_from
    from .resolve import resolve as carry_out

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    carry_out(inputs, github, cast(Resolved, call.outcome), call.console)


@_command(DOWNLOAD, Downloaded)
def download(call: Call) -> None:
    """Brings a version's files into a folder, whole and checked, or not at all."""
    from .inputs.download import download_inputs
    from .inputs.stores import registry_with_stores

    inputs = registry_with_stores(call.read(download_inputs), call.taken)
    from .download import download as carry_out
    from .github import github_from

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    carry_out(inputs, github, cast(Downloaded, call.outcome), call.console)


@_command(TEST, Tested)
def test(call: Call) -> None:
    """Loads a version in an environment of its own, and predicts. Runs the model's code."""
    from .inputs.stores import registry_with_stores
    from .inputs.tested import inputs_of_test

    inputs = registry_with_stores(call.read(inputs_of_test), call.taken)
    from .github import github_from
    from .testing.begin import begin, hand_over

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    outcome = cast(Tested, call.outcome)
    if brought := begin(inputs, github, os.environ, outcome, call.console):
        hand_over(brought, inputs, call)


@_command(PROMOTE, Promoted)
def promote(call: Call) -> None:
    """Moves a version to a stage, or sets an alias on it; or goes back to what was before."""
    from .inputs.promote import promote_inputs
    from .inputs.stores import registry_with_stores

    inputs = registry_with_stores(call.read(promote_inputs), call.taken)
    from .github import github_from
    from .promotion import promote_version

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    outcome = cast(Promoted, call.outcome)
    promote_version(inputs, call.provenance, github, outcome, call.console)


@_command(REQUEST, Requested)
def request(call: Call) -> None:
    """Asks for a stage, for somebody who may decide to approve or to reject it."""
    from .inputs.transitions import transition_inputs

    inputs = call.read(transition_inputs)
    from .asking import request as carry_out
    from .github import github_from

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    carry_out(inputs, call.provenance, github, cast(Requested, call.outcome), call.console)


@_command(APPROVE, Approved)
def approve(call: Call) -> None:
    """Approves a request: the version goes to the stage that was asked for."""
    from .inputs.transitions import approve_inputs

    inputs = call.read(approve_inputs)
    from .approving import approve as carry_out
    from .github import github_from

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    carry_out(inputs, call.provenance, github, cast(Approved, call.outcome), call.console)


@_command(REJECT, Rejected)
def reject(call: Call) -> None:
    """Rejects whatever asks for a stage; the version stays where it is."""
    from .inputs.transitions import transition_inputs

    inputs = call.read(transition_inputs)
    from .asking import reject as carry_out
    from .github import github_from

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    carry_out(inputs, call.provenance, github, cast(Rejected, call.outcome), call.console)


@_command(RETIRE, Retired)
def retire(call: Call) -> None:
    """Archives or deletes versions that are not in use, and clears what nobody needs any more."""
    from .inputs.retire import retire_inputs
    from .inputs.stores import registry_with_stores

    inputs = registry_with_stores(call.read(retire_inputs), call.taken)
    from .attempt import attempt_from
    from .github import github_from
    from .retire import retire as carry_out

    github = github_from(os.environ, inputs.github_token, inputs.retry_timeout)
    outcome = cast(Retired, call.outcome)
    carry_out(inputs, attempt_from(os.environ), github, outcome, call.console)


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line; a misspelt option is bad input too."""
    return cli.main(arguments, prog_name="./entrypoint")
