"""Files of models, right and wrong ones: what the schema says of each, the code says too."""

from __future__ import annotations

RUN = "run-id: 0123456789abcdef0123456789abcdef"


def one(*lines: str) -> str:
    """A file of one model that gives these inputs."""
    return _file([RUN, "model-name: churn", *lines])


def named(*lines: str) -> str:
    """The same of a model that does not say its source yet."""
    return _file(["model-name: churn", *lines])


def _file(lines: list[str], defaults: str = "") -> str:
    return f"{defaults}models:\n  - {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:])


def with_defaults(defaults: str, *lines: str) -> str:
    """A file with one default."""
    return _file([RUN, "model-name: churn", *lines], f"defaults:\n  {defaults}\n")


def folder_with_defaults(defaults: str, *lines: str) -> str:
    folder = ["model-path: good", "model-name: churn", *lines]
    return _file(folder, f"defaults:\n  {defaults}\n")


GOOD = {
    "the least": one(),
    "a filter": named("experiment: /Shared/churn", "run-filter: metrics.accuracy > 0.9"),
    "an experiment's id": named("experiment: 12", "run-filter: a"),
    "experiment 0": named("experiment: 0", "run-filter: a"),
    "a filter of two lines": named("experiment: e", 'run-filter: "a\\n and b"'),
    "a logged model": named("model-uri: models:/m-0123456789"),
    "a version": named("model-uri: models:/churn/3"),
    "a stage in small letters": named("model-uri: models:/churn/production"),
    "an alias": named("model-uri: models:/churn@champion"),
    "a run's path": named("model-uri: runs:/0123/a/b c"),
    "a folder": named("model-path: good"),
    "an artifact path": one("artifact-path: a/b"),
    "an artifact path with slashes at its ends": one("artifact-path: /a/b/"),
    "a stage": one("stage: Production", "archive-existing: true"),
    "the stage None is a text": one("stage: None"),
    "archiving in other letters": one("stage: Staging", "archive-existing: TRUE"),
    "no archiving": one("archive-existing: false"),
    "aliases in a line": one("alias: champion, best"),
    "aliases in a list": one("alias: [champion, best]"),
    "no alias": one("alias: []"),
    "aliases in lines": one("alias: |", "  champion", "  best"),
    "a gate in a list": one("gate:", "  - accuracy >= 0.9", "  - params.depth == '3'"),
    "a gate in lines": one("gate: |", "  accuracy >= 0.9", "", "  loss < 1"),
    "no gate": one("gate: []"),
    "tags": one("tags:", "  team: risk", "  ratio: 1.10", "  on: true", '  empty: ""'),
    "a tag with a colon": one("tags: {'a:b/c d': x}"),
    "no tags": one("tags: {}"),
    "tags in lines": one("tags: |", "  team=risk", "", "  note = a=b"),
    "permissions": one("permissions: {team: CAN_READ, a@example.com: CAN_EDIT}"),
    "permissions in lines": one("permissions: |", "  team=CAN_READ", "  a=b = CAN_EDIT"),
    "a version that is expected": one("stage: Staging", "expect-previous: 3"),
    "no version is expected": one("stage: Staging", "expect-previous: none"),
    "an expected version in quotes": one("stage: Staging", 'expect-previous: "3"'),
    "seconds": one("timeout: 600"),
    "seconds with a zero": one("timeout: 0600"),
    "seconds as 6e2": one("timeout: 6e2"),
    "seconds in another base": one("timeout: 0x10"),
    "every byte": one("verify: full"),
    "a description of more lines": one("description: |", "  a", "  b"),
    "yes is a text": one("description: yes"),
    "a date is a text": one("description: 2024-01-01"),
    "a number in quotes": one('description: "12"'),
    "a name with a dot and a space": _file([RUN, "model-name: a b.c"]),
    "defaults": with_defaults("stage: Staging", "archive-existing: true"),
    "defaults for nobody": with_defaults("gate: [a > 1]", "gate: []"),
    "a default taken back": folder_with_defaults("gate: [a > 1]", "gate: []"),
    "archiving by default": with_defaults("archive-existing: true", "stage: Production"),
    "an alias of YAML": (
        "defaults:\n  tags: &t {a: b}\nmodels:\n  - {model-name: a, run-id: r, tags: *t}\n"
    ),
    "JSON": '{"models": [{"model-name": "a", "run-id": "r"}]}',
    "two sources of one model": (
        "models:\n  - {model-name: a, run-id: r}\n  - {model-name: a, run-id: s}\n"
    ),
}

BAD = {
    "an empty file": "",
    "a text": "models",
    "a list": "- a",
    "nothing": "~",
    "no models": "defaults: {}",
    "models that are nothing": "models:",
    "no model at all": "models: []",
    "models that are a mapping": "models: {a: b}",
    "defaults that are nothing": "defaults:\nmodels:\n  - {model-name: a, run-id: r}",
    "a model that is a text": "models: [a]",
    "a model that is nothing": "models:\n  -\n",
    "something else beside": one() + "hosts: []\n",
    "an odd name of an input": one("run_id: r"),
    "no source": named(),
    "two sources": one("model-uri: models:/m-1"),
    "no name": f"models:\n  - {RUN}\n",
    "a filter without its experiment": named("run-filter: a"),
    "an experiment without a filter": one("experiment: e"),
    "a path in a logged model": named("model-uri: models:/m-1", "artifact-path: a"),
    "a run that is nothing": named("run-id:"),
    "a run that is null": named("run-id: null"),
    "a run that is empty": named('run-id: ""'),
    "a run that is a number": named("run-id: 123"),
    "a run that looks like a number": named("run-id: 12e45"),
    "a run in two lines": named('run-id: "a\\nb"'),
    "a run that leads up": named("run-id: ..", "stage: None"),
    "a run with a slash": named("run-id: a/b"),
    "an experiment below zero": named("experiment: -1", "run-filter: a"),
    "an experiment and a half": named("experiment: 1.5", "run-filter: a"),
    "a URI of a host": named("model-uri: models://host/m/1"),
    "a URI of a profile": named("model-uri: runs://a/b/c"),
    "a run's URI without a path": named("model-uri: runs:/a"),
    "a URI that leads up": named("model-uri: runs:/a/../b"),
    "an odd stage in a URI": named("model-uri: models:/m/Prod"),
    "an artifact path that leads up": one("artifact-path: a/../b"),
    "a name with a slash": _file([RUN, "model-name: a/b"]),
    "a name of dots": _file([RUN, "model-name: ' . '"]),
    "a name that is a date and a time": _file([RUN, "model-name: 2024-01-01 10:00:00"]),
    "a name that is true": _file([RUN, "model-name: true"]),
    "a name with both quotes": _file([RUN, "model-name: a'b\"c"]),
    "a name with a line break": _file([RUN, 'model-name: "churn\\n"']),
    "a name with spaces at its ends": _file([RUN, "model-name: ' churn'"]),
    "an odd stage": one("stage: Prod"),
    "a stage that is null": one("stage: null"),
    "a stage that is nothing": one("stage:"),
    "a stage in a list": one("stage: [Staging]"),
    "archiving in a text": one("stage: Staging", 'archive-existing: "true"'),
    "archiving by yes": one("stage: Staging", "archive-existing: yes"),
    "archiving by 1": one("stage: Staging", "archive-existing: 1"),
    "archiving nowhere": one("archive-existing: true"),
    "archiving in None": one("stage: None", "archive-existing: true"),
    "a kept alias": one("alias: latest"),
    "a kept alias in a list": one("alias: [v3]"),
    "an odd alias": one("alias: a/b"),
    "two aliases in one": one("alias: ['a,b']"),
    "an alias that is a number": one("alias: 3"),
    "aliases that are numbers": one("alias: [3]"),
    "aliases with a hole": one("alias: [a, ]", "tags: {a: }"),
    "an empty gate": one('gate: ""'),
    "a gate that is a number": one("gate: 3"),
    "a gate of a folder": named("model-path: good", "gate: a > 1"),
    "an odd word for a gate": one("gate-without-champion: maybe"),
    "a tag that is kept": one("tags: {remote_registry.key: x}"),
    "a tag that is kept, in a line": one("tags: MLFLOW.user=me"),
    "a tag with an odd name": one("tags: {'a=b': x}"),
    "a tag that is nothing": one("tags: {a: }"),
    "a tag that is a list": one("tags: {a: [b]}"),
    "a tag whose name is empty": one("tags: {'': x}"),
    "tags without values": one("tags: team"),
    "tags that are too long": one(f"tags: {{a: {'x' * 5001}}}"),
    "an odd level": one("permissions: {team: ADMIN}"),
    "an odd level in a line": one("permissions: team=ADMIN"),
    "a level of nobody": one("permissions: '=CAN_READ'"),
    "the version 0": one("stage: Staging", "expect-previous: 0"),
    "a version below zero": one("stage: Staging", "expect-previous: -1"),
    "no time": one("timeout: 0"),
    "two days": one("timeout: 172800"),
    "half a second": one("timeout: 1.5"),
    "seconds in quotes": one('timeout: "600"'),
    "endless seconds": one("timeout: .inf"),
    "a number by its tag alone": one("timeout: !!int abc"),
    "a number of a base by its tag alone": one('expect-previous: !!int "0xZZ"'),
    "a fraction by its tag alone": one('timeout: !!float "1..2"'),
    "an odd word for verify": one("verify: bytes"),
    "an empty description": one("description: ' '"),
    "a description that is true": one("description: true"),
    "a source by default": with_defaults("run-id: r"),
    "a name by default": with_defaults("model-name: n"),
    "null by default": with_defaults("stage: null"),
    "a gate by default for a folder": folder_with_defaults("gate: [a > 1]"),
    "archiving by default nowhere": with_defaults("archive-existing: true"),
    "archiving by default in None": with_defaults("archive-existing: true", "stage: None"),
    "archiving in a default None": with_defaults("stage: None", "archive-existing: true"),
    "the same twice": "models:\n  - {model-name: a, run-id: r}\n  - {model-name: a, run-id: r}\n",
    "an input that is given twice": one("stage: None", "stage: Staging"),
    "models that are given twice": one() + one(),
    "a key that is a number": one("1: a"),
    "a key that is true": one("true: a"),
    "a key that is a list": one("? [a]", ": b"),
    "a type of its own": one("description: !thing a"),
    "a type of Python's": one("description: !!python/object/apply:os.system [ls]"),
    "two documents": one() + "---\n" + one(),
    "no YAML": "models: [",
    "a tab": "models:\n\t- a",
    "no character": one('description: "\\UFFFFFFFF"'),
    "an unknown alias of YAML": one("tags: *t"),
    "deep nesting": "models: " + "[" * 5000 + "]" * 5000,
    "257 models": "models:\n"
    + "".join(f"  - {{model-name: a, run-id: r{number}}}\n" for number in range(257)),
}

# What no file says: where things are, who signs in, and what only the workflow may allow.
OF_THE_WORKFLOW = (
    "registry-host: https://adb-1.azuredatabricks.net",
    "registry-uri: http://localhost:5000",
    "registry-token: t",
    "registry-workspace-id: '1'",
    "registry-username: u",
    "registry-password: p",
    "tracking-host: https://adb-1.azuredatabricks.net",
    "tracking-uri: databricks://a:b",
    "tracking-token: t",
    "tracking-workspace-id: '1'",
    "tracking-username: u",
    "tracking-password: p",
    "github-token: t",
    "allow-http: true",
    "allow-promotion: true",
    "force: true",
    "python: /tmp/python",
    "dry-run: false",
    "matrix: true",
    "retry-timeout: 1",
    "max-connections: 1",
    "models: other.yml",
)
