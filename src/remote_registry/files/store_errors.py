"""What `obstore` raises, in words of our own: what may pass, and what a person has to put right."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import Failure, SignInRefused
from ..rest import Rest
from ..retry import ALL, Transient
from .protocols import RangeIgnored

_PASSING = (408, 429, 500, 502, 503, 504)
# What the stores answer where the credentials themselves are refused, not what they may do.
_REFUSED = re.compile(
    "InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired"
    "|AuthenticationFailed|InvalidAuthenticationInfo|NoAuthenticationInformation|InvalidClientTokenId"
)
# What is said where there are none, or half of them: the last asks the machine for its identity.
_NO_SIGN_IN = re.compile(
    r"Missing (SecretAccessKey|AccessKeyId)|Invalid Access Key|service account|application cred"
    r"|CredentialProvider|169\.254\.|metadata\.google|metadata/(identity|instance)"
    r"|token (request|endpoint)|AssumeRole|oauth",
    re.IGNORECASE,
)
_UNREACHED = (
    ("dns error", "has a name that can't be resolved"),
    ("ConnectionRefused", "refused the connection"),
    ("TimedOut", "did not answer in time"),
)


@dataclass
class Place:
    """A bucket or container, for messages.

    Attributes:
        uri: Such as `s3://bucket`.
        sign_in: The variables that sign in there.
        endpoint: The variable that says where the store is.
        reached: Whether it has answered as it should.
    """

    rest: Rest
    uri: str
    sign_in: str
    endpoint: str
    reached: bool = False

    @property
    def where(self) -> str:
        """The bucket, and whose it is."""
        return f"{self.uri} of {self.rest.where}"

    def failure(self, what: str, todo: str = "") -> Failure:
        """A failure of this side's kind."""
        return self.rest.role.failure(what, where=self.where, todo=todo)

    def no_sign_in(self, reason: str) -> Failure:
        """There are no credentials, or they are incomplete."""
        return SignInRefused(
            f"There are no credentials for the store of the {self.rest.role.name}: {reason}",
            where=self.where,
            todo=f"Set {self.sign_in}. Profiles and credential files of the clouds' own tools "
            "are not read.",
        )


@contextmanager
def translated(place: Place, doing: str) -> Iterator[None]:
    """Turns what `obstore` raises into `Transient` or `Failure`.

    Args:
        doing: What is being done, such as "read 'MLmodel'".

    Raises:
        RangeIgnored: Only the whole file can be had.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, ValueError) as error:
        raise _translation(str(error), place, doing) from error


def _translation(text: str, place: Place, doing: str) -> Exception:
    said, _, details = text.partition("\n\nDebug source")
    status = re.search(r"status code: (\d{3})", said)
    number = int(status[1]) if status else 0
    if "non-partial response" in said:
        return RangeIgnored()
    if number in _PASSING:
        return Transient(place.failure(f"The store answered {number} to: {doing}."))
    return (
        _credentials(number, said, place)
        or _wrong_region(said, place)
        or (_answered if number else _broken)(number, said, details, place, doing)
    )


def _credentials(number: int, said: str, place: Place) -> Failure | None:
    if _NO_SIGN_IN.search(said):
        return place.no_sign_in(_reason(said))
    if number != 401 and not _REFUSED.search(said):
        return None
    return SignInRefused(
        f"The store of the {place.rest.role.name} refused the sign-in: {_reason(said)}",
        where=place.where,
        todo=f"Check {place.sign_in}.",
    )


def _wrong_region(said: str, place: Place) -> Failure | None:
    found = re.search(r"expecting '([\w-]+)'|<Region>([\w-]+)</Region>", said)
    if not found and "configured region" not in said:
        return None
    region = found[1] or found[2] if found else ""
    variable = place.rest.stores.named("AWS_REGION")
    return place.failure(
        "The bucket is in another region" + (f": {region}." if region else "."),
        f"Set {variable}{f'={region}' if region else ' to the region of the bucket'}.",
    )


def _answered(number: int, said: str, _details: str, place: Place, doing: str) -> Failure:
    if number == 403:
        return place.failure(
            f"No permission to {doing}: {_reason(said)}",
            "Grant it: to list and read, and where a model is registered to write and delete too.",
        )
    if re.search("NoSuchBucket|ContainerNotFound|bucket does not exist", said):
        return place.failure(
            f"There is no {place.uri}.",
            f"Check the server's artifact root, the account that the credentials are of, "
            f"and {place.endpoint}.",
        )
    return place.failure(f"The store answered {number} to: {doing}. {_reason(said)}".strip())


def _broken(_number: int, said: str, details: str, place: Place, doing: str) -> Exception:
    """There was no answer, or only a part of one."""
    if not any(word in said for word in ("HTTP error", "body error", "partial response")):
        return place.failure(f"{doing[:1].upper()}{doing[1:]}: {_reason(said)}")
    if re.search("certificate", details, re.IGNORECASE):
        return place.failure(
            f"TLS with the store of the {place.rest.role.name} failed.",
            "A private certificate authority goes into REQUESTS_CA_BUNDLE.",
        )
    how = next((how for word, how in _UNREACHED if word in details), f"broke off: {doing}")
    failure = place.failure(
        f"The store of the {place.rest.role.name} {how}.",
        f"Check {place.endpoint}, the network, and the proxy variables.",
    )
    return Transient(failure, patience=ALL if place.reached else 3.0)


def _reason(said: str) -> str:
    """The store's own words, without the address, which could hold a signature."""
    found = [
        re.search(rf"<{tag}>([^<]+)</{tag}>|\"{tag.lower()}\":\s*\"([^\"]+)\"", said)
        for tag in ("Code", "Message")
    ]
    words = ": ".join((match[1] or match[2]).strip() for match in found if match)
    words = words or re.sub(r"\S+://\S+", "…", said.rsplit(" - ", 1)[-1])
    return textwrap.shorten(words, 300, placeholder=" …")
