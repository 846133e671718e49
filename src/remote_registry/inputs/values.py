"""The smaller inputs: booleans, seconds, names, stages, aliases, tags, permissions, paths."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from .texts import InputError

STAGES = ("None", "Staging", "Production", "Archived")
TAG_PREFIX = "remote_registry."
_LEVELS = (
    "CAN_READ",
    "CAN_EDIT",
    "CAN_MANAGE_STAGING_VERSIONS",
    "CAN_MANAGE_PRODUCTION_VERSIONS",
    "CAN_MANAGE",
)
_LONGEST_PART, _LONGEST_PATH = 255, 1024  # of most file systems, and of S3
_LONGEST_ALIAS = 200  # what had it before is kept in a tag named after it, of 250 at most
_YAML_TEXT = "tag:yaml.org,2002:str"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Permission:
    """A principal's level on a registered model, as Databricks' permissions API spells it."""

    principal: str
    level: str

    @property
    def principal_field(self) -> str:
        """The field of an access control list that names such a principal."""
        if "@" in self.principal:
            return "user_name"
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", self.principal):
            return "service_principal_name"
        return "group_name"


def boolean(text: str) -> bool:
    """`true` or `false`, in any case; empty is false."""
    if text.lower() not in ("", "true", "false"):
        raise InputError(f"{text!r} is neither true nor false.")
    return text.lower() == "true"


def seconds(text: str) -> float:
    """A number of seconds, from one to those of a day."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) or not 1 <= float(text) <= 86_400:
        raise InputError(f"{text!r} is no number of seconds from 1 to 86400.")
    return float(text)


def verify(text: str) -> str:
    """`sizes`, which is the default, or `full`."""
    if text not in ("", "sizes", "full"):
        raise InputError(f"{text!r} is neither sizes nor full.")
    return text or "sizes"


def max_connections(text: str) -> int:
    """From 1 to 64; 16 by default."""
    if not re.fullmatch(r"[0-9]{0,2}", text) or not 1 <= int(text or "16") <= 64:
        raise InputError(f"{text!r} is no number from 1 to 64.")
    return int(text or "16")


def stage(text: str) -> str:
    """One of the four stages, spelled as MLflow spells it."""
    if text not in ("", *STAGES):
        near = difflib.get_close_matches(text.capitalize(), STAGES, 1, 0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"{text!r} is none of {', '.join(STAGES)}.{hint}")
    return text


def level_to_move_to(stage: str) -> str:
    """The permission level of a workspace's model that suffices to move any version to a stage."""
    return f"CAN_MANAGE_{'STAGING' if stage == 'Staging' else 'PRODUCTION'}_VERSIONS"


def expect_previous(text: str) -> str:
    """A version's number, or `none`; empty where it does not matter."""
    if not re.fullmatch(r"|none|[1-9][0-9]{0,9}", text):
        raise InputError(f"{text!r} is neither a version's number nor none.")
    return text


def aliases(text: str) -> tuple[str, ...]:
    """Aliases by comma or line; MLflow's rules for their names (`_validate_model_alias_name`)."""
    names = tuple(dict.fromkeys(name.strip() for name in re.split(r"[,\n]", text) if name.strip()))
    for name in map(checked_alias, names):
        if name.lower() == "latest" or re.fullmatch(r"[vV]\d+", name):
            raise InputError(f"{name!r} is a name that MLflow keeps for itself.")
        if len(name) > _LONGEST_ALIAS:
            raise InputError(f"the alias {name!r} is longer than {_LONGEST_ALIAS} characters.")
    return names


def checked_alias(name: str) -> str:
    """An alias's name, of characters that MLflow takes."""
    if not re.fullmatch(r"[\w-]{1,255}", name):
        raise InputError(f"the alias {name!r} may hold letters, digits, '_' and '-' only.")
    return name


def permissions(text: str) -> tuple[Permission, ...]:
    """`<principal>=<level>` lines."""
    found: dict[str, Permission] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        principal, _, level = (part.strip() for part in line.rpartition("="))
        if not principal or level not in _LEVELS:
            levels = ", ".join(_LEVELS)
            raise InputError(f"{line!r} is no <principal>=<level>, a level being one of {levels}.")
        if principal in found:
            raise InputError(f"{principal!r} is given twice.")
        found[principal] = Permission(principal, level)
    return tuple(found.values())


def tags(text: str) -> tuple[tuple[str, str], ...]:
    """`key=value` lines, or a YAML mapping, whose scalars are kept as they are written."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if all(re.match(r"[^=:]+=", line) for line in lines):
        halves = [line.partition("=") for line in lines]
        pairs = [(key.strip(), value.strip()) for key, _, value in halves]
    else:
        pairs = _yaml_pairs(text)
    seen = set()
    for key, value in pairs:
        _check_tag(key, value)
        if key in seen:
            raise InputError(f"{key!r} is given twice.")
        seen.add(key)
    return tuple(pairs)


def _yaml_pairs(text: str) -> list[tuple[str, str]]:
    import yaml

    try:
        # Only composed and never constructed: no object is made, `1.10` stays `1.10`, and a key
        # that is given twice is seen.
        mapping = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        mapping = None  # PyYAML itself fails by the last two, of an escape that is no character
    if not isinstance(mapping, yaml.MappingNode) or not all(
        isinstance(part, yaml.ScalarNode) and part.tag == _YAML_TEXT
        for pair in mapping.value
        for part in pair
    ):
        raise InputError("is neither key=value lines nor a flat YAML mapping.")
    return [(key.value, value.value) for key, value in mapping.value]


def _check_tag(key: str, value: str) -> None:
    # In any case: a server's database may not tell cases apart.
    if key.lower().startswith((TAG_PREFIX, "mlflow.")):
        raise InputError(f"{key!r} begins with a prefix that is kept ({TAG_PREFIX}, mlflow.).")
    if not re.fullmatch(r"[/\w.\- :]{1,250}", key):
        raise InputError(f"{key!r} may hold letters, digits, and '/_.-: ' only, 250 at most.")
    if re.search("[\ud800-\udfff]", value):  # which only an escape of YAML brings
        raise InputError(f"the value of {key!r} is not UTF-8.")
    if len(value.encode()) > 5000:
        raise InputError(f"the value of {key!r} is longer than 5000 bytes.")


def model_name(text: str, *, on_databricks: bool) -> str:
    """A registered model's name, by the rules of the registry that it goes to."""
    if not text:
        raise InputError("is required.")
    checked_name(text)
    if on_databricks and text.count(".") == 2 and not re.search(r"\s|\.\.", text):
        raise InputError(f"{text!r} has three levels: Unity Catalog is to come.")
    if on_databricks and "." in text:
        raise InputError(f"{text!r} holds a '.', which a workspace registry does not take.")
    if "'" in text and '"' in text:
        raise InputError(f"{text!r} holds both kinds of quotes; a registry can't search for it.")
    return text


def checked_name(text: str) -> str:
    """A registered model's name that any registry could have."""
    if not text.strip(" .") or _CONTROL.search(text) or re.search("[/:]", text):
        raise InputError(f"{text!r} is no model name: '/', ':' and control codes can't be in it.")
    return text


def checked_path(text: str) -> str:
    """A path relative to a run's or a model's root, tidied of slashes at its ends."""
    path = text.strip("/")
    if path and (problem := path_problem(path) or _length_problem(path)):
        raise InputError(f"{text!r} {problem}.")
    return path


def _length_problem(path: str) -> str:
    if any(len(part.encode()) > _LONGEST_PART for part in path.split("/")):
        return f"has a part longer than {_LONGEST_PART} bytes"
    return f"is longer than {_LONGEST_PATH} bytes" if len(path.encode()) > _LONGEST_PATH else ""


def path_problem(path: str) -> str:
    """Why a relative path can't be carried faithfully between stores; empty if it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "is absolute, or holds an empty, '.' or '..' part"
    return "holds a control character" if _CONTROL.search(path) else ""
