"""Where a side is, and the sign-in that goes with it."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, ON_DATABRICKS, ON_SERVER, SERVER, problem, problems, read

from remote_registry.inputs.sides import Databricks, MlflowServer, Secret

DATABRICKS_HOSTS = [
    "https://adb-5555555555555555.19.azuredatabricks.net",
    "https://adb-5555555555555555.19.databricks.azure.cn",
    "https://chinaeast.databricks.azure.cn",
    "https://adb-1.2.databricks.azure.us",
    "https://dbc-a1b2345c-d6e7.cloud.databricks.com",
    "https://dbc-a1b2345c-d6e7.cloud.databricks.us",
    "https://dbc-a1b2345c-d6e7.cloud.databricks.mil",
    "https://1234567890.7.gcp.databricks.com",
]


@pytest.mark.parametrize(
    "host",
    [
        *DATABRICKS_HOSTS,
        "https://databricks.corp.internal",
        "https://my_private-link.corp",
        "https://10.1.2.3",
        "https://host:8443",
        "https://[2001:db8::7]:8443",
        "http://127.0.0.1:5000",
        "http://127.8.9.10",
        "http://[::1]:5000",
        "http://localhost:5000",
    ],
)
def test_a_workspace_of_any_cloud_or_private_name_is_taken_as_it_is(host: str) -> None:
    assert read(ON_DATABRICKS, registry_host=host).registry.url == host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"{HOST}/", HOST),
        (f"{HOST}//", HOST),
        (f"  {HOST}\n", HOST),
        (HOST.upper(), HOST),
        (f"{HOST}:443", HOST),
        (f"{HOST}:", HOST),
        (f"{HOST}.", HOST),
        (f"{HOST}?", HOST),
        (f"{HOST}/#", HOST),
        ("http://localhost:80/", "http://localhost"),
    ],
)
def test_one_workspace_has_one_address_however_it_is_written(text: str, url: str) -> None:
    assert read(ON_DATABRICKS, registry_host=text).registry.url == url


@pytest.mark.parametrize(
    ("host", "says"),
    [
        (HOST.removeprefix("https://"), f"needs its scheme: {HOST}"),
        (HOST.removeprefix("https:"), f"needs its scheme: {HOST}"),
        ("adb-1.2.azuredatabricks.net:443", "https://adb-1.2.azuredatabricks.net:443"),
        ("localhost:5000", "needs its scheme: https://localhost:5000"),
        ("https:/adb-1.2.azuredatabricks.net", "https://adb-1.2.azuredatabricks.net"),
        ("ftp://adb-1.2.azuredatabricks.net", "https://adb-1.2.azuredatabricks.net"),
        ("https://", "needs its scheme"),
        ("https://:443", "no host name"),
        ("https://.", "no host name"),
        ("https://a..b", "no host name"),
        ("https://-a.b", "no host name"),
        (f"https://{'a' * 64}.net", "no host name"),
        (f"https://{'a.' * 130}net", "no host name"),
        ("https://host:0", "no host name"),
        ("https://host:99999", "no URL"),
        ("https://host:x", "no URL"),
        ("https://[::1", "no URL"),
        ("https://[1.2.3.4]", "no "),
        ("https://a[::1]", "no host name"),
        ("https://[::1]b", "no host name"),
        ("https://[v1.a]", "no host name"),
        ("https://[fe80::1%25eth0]", "no "),
        ("https://host\\evil", "no host name"),
        (f"{HOST}?o=5555555555555555", f"ends after the host name: {HOST}."),
        (f"{HOST}/?o=5555555555555555", f"ends after the host name: {HOST}."),
        (f"{HOST}/ml/models", f"ends after the host name: {HOST}."),
        (f"{HOST}/#mlflow/models", "without '#'"),
        (f"{HOST}/a b", "odd character"),
        ("https://adb-1.2.azure\ndatabricks.net", "odd character"),
        ("https://adb\t-1.2.azuredatabricks.net", "odd character"),
        ("https://ädb.azuredatabricks.net", "odd character"),
        ("https://adb\u2025azuredatabricks.net", "odd character"),
        ("https://аdb.azuredatabricks.net", "odd character"),
        ("https://adb\u200b.azuredatabricks.net", "odd character"),
        ("databricks", "profile"),
        ("databricks://production", "profile"),
        ("databricks://scope:prefix", "profile"),
        ("databricks-uc", "Unity Catalog is to come"),
        ("databricks-uc://production", "Unity Catalog is to come"),
    ],
)
def test_a_host_that_is_none_is_told_in_words_that_help(host: str, says: str) -> None:
    told = problem(ON_DATABRICKS, registry_host=host)

    assert told.startswith("registry-host: ")
    assert says in told


@pytest.mark.parametrize(
    "host",
    [
        "http://adb-1.2.azuredatabricks.net",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://127.0.0.1x",
        "http://0.0.0.0",
        "http://[::]",
        "http://2130706433",
        "http://0x7f.1",
    ],
)
@pytest.mark.parametrize("allow_http", ["", "true"])
def test_a_workspace_is_never_spoken_to_without_tls(host: str, allow_http: str) -> None:
    told = problem(ON_DATABRICKS, registry_host=host, allow_http=allow_http)

    assert "https:// only" in told


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hunter2@host",
        "https://hunter2@host",
        "http://localhost@evil.example.com",
        "http://localhost:hunter2@evil.example.com",
        "user:hunter2@host",
        "https://user:hunter2@[bad",
    ],
)
@pytest.mark.parametrize("name", ["registry-host", "registry-uri"])
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str, name: str) -> None:
    texts = ON_DATABRICKS if name == "registry-host" else ON_SERVER
    told = problem(texts | {name: address})

    assert told == f"{name}: holds a user name or a password; give those in their own inputs."


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (SERVER, SERVER),
        (f"{SERVER}/", SERVER),
        (f"{SERVER}:443/", SERVER),
        (f"{SERVER}/team/mlflow/", f"{SERVER}/team/mlflow"),
        ("https://MLflow.Example.COM/Team", f"{SERVER}/Team"),
        ("https://databricks.example.com", "https://databricks.example.com"),
        ("https://azuredatabricks.net.example.com", "https://azuredatabricks.net.example.com"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
        ("http://localhost:5000", "http://localhost:5000"),
    ],
)
def test_an_mlflow_server_is_taken_with_its_path_and_on_loopback_without_tls(
    text: str, url: str
) -> None:
    assert read(ON_SERVER, registry_uri=text).registry == MlflowServer(url)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", [*DATABRICKS_HOSTS, "https://ADB-1.azuredatabricks.net."])
@pytest.mark.parametrize("after", ["", "/", ":443", "/path"])
def test_a_databricks_host_is_never_taken_for_an_mlflow_server(
    scheme: str, host: str, after: str
) -> None:
    uri = f"{scheme}://{host.removeprefix('https://')}{after}"

    told = problem(ON_SERVER, registry_uri=uri, allow_http="true")

    assert (
        told == "registry-uri: is a Databricks workspace: give it as registry-host with https://."
    )


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mlflow.example.com", f"needs its scheme: {SERVER}"),
        ("sqlite:///mlflow.db", "needs its scheme"),
        ("file:///tmp/mlruns", "needs its scheme"),
        ("databricks", "profile"),
        ("databricks://p", "profile"),
        ("databricks-uc", "Unity Catalog is to come"),
        ("databricks-uc://p", "Unity Catalog is to come"),
        (f"{SERVER}?o=1", "without '?'"),
        (f"{SERVER}/?", ""),
        (f"{SERVER}/#/models", "without '#'"),
        (f"{SERVER}/a'b", "odd characters"),
        ("http://mlflow.example.com", "allow-http: true"),
        ("http://127.0.0.1.evil.com", "allow-http: true"),
        ("http://localhost.evil.com", "allow-http: true"),
    ],
)
def test_a_server_that_is_none_is_told_in_words_that_help(uri: str, says: str) -> None:
    if not says:
        assert read(ON_SERVER, registry_uri=uri).registry == MlflowServer(SERVER)
        return
    assert says in problem(ON_SERVER, registry_uri=uri)


def test_http_elsewhere_than_on_loopback_must_be_allowed() -> None:
    inputs = read(ON_SERVER, registry_uri="http://mlflow.corp:5000", allow_http="TRUE")

    assert inputs.registry == MlflowServer("http://mlflow.corp:5000")


@pytest.mark.parametrize("side", ["registry", "tracking"])
def test_a_side_is_a_workspace_or_a_server_and_not_both(side: str) -> None:
    both = {f"{side}-host": HOST, f"{side}-token": "t", f"{side}-uri": SERVER}

    assert problem(ON_DATABRICKS | both) == (
        f"{side}-uri: give {side}-host or {side}-uri, not both."
    )


def test_a_registry_is_required_and_a_source_of_its_own_is_not() -> None:
    nowhere = {"run-id": "r", "model-name": "m"}

    assert problem(nowhere) == (
        "registry-host: say where to register: registry-host or registry-uri."
    )
    assert read(ON_DATABRICKS).tracking is None


@pytest.mark.parametrize("name", ["token", "workspace-id", "username", "password"])
@pytest.mark.parametrize("side", ["registry", "tracking"])
def test_a_sign_in_without_a_place_is_told(side: str, name: str) -> None:
    texts = ON_DATABRICKS if side == "tracking" else {"run-id": "r", "model-name": "m"}

    assert f"{side}-{name}: has no meaning without {side}-host or {side}-uri." in problems(
        texts | {f"{side}-{name}": "1"}
    )


@pytest.mark.parametrize("side", ["registry", "tracking"])
def test_each_side_has_its_own_sign_in(side: str) -> None:
    other = {
        f"{side}-host": "https://other.cloud.databricks.com",
        f"{side}-token": "dapi-other",
        f"{side}-workspace-id": "42",
    }
    inputs = read(ON_DATABRICKS | other)

    wanted = Databricks("https://other.cloud.databricks.com", Secret("dapi-other"), "42")
    assert (inputs.registry if side == "registry" else inputs.tracking) == wanted
    if side == "tracking":
        assert inputs.registry == Databricks(HOST, Secret("dapi-of-the-registry"))


@pytest.mark.parametrize(
    ("given", "side"),
    [
        ({}, MlflowServer(SERVER)),
        ({"registry-token": "t"}, MlflowServer(SERVER, token=Secret("t"))),
        (
            {"registry-username": "jane", "registry-password": "two words, ümlaut"},
            MlflowServer(SERVER, "jane", Secret("two words, ümlaut")),
        ),
    ],
)
def test_a_server_is_signed_in_to_in_one_way_at_most(
    given: dict[str, str], side: MlflowServer
) -> None:
    assert read(ON_SERVER | given).registry == side


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"registry-username": "jane"}, "registry-username"),
        ({"registry-password": "p"}, "registry-username"),
        (
            {"registry-username": "j", "registry-password": "p", "registry-token": "t"},
            "registry-token",
        ),
        ({"registry-username": "a:b", "registry-password": "p"}, "registry-username"),
        ({"registry-username": "a", "registry-password": "p\nq"}, "registry-password"),
        ({"registry-workspace-id": "1"}, "registry-workspace-id"),
    ],
)
def test_half_a_sign_in_or_two_are_told(given: dict[str, str], name: str) -> None:
    assert problem(ON_SERVER | given).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"registry-token": ""}, "registry-token"),
        ({"registry-token": "  \n"}, "registry-token"),
        ({"registry-username": "jane"}, "registry-username"),
        ({"registry-password": "p"}, "registry-password"),
    ],
)
def test_a_workspace_is_signed_in_to_by_token(given: dict[str, str], name: str) -> None:
    assert problem(ON_DATABRICKS | given).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "token", ["two words", "two\nlines", "a\rb", "tokén", "a\x7fb", "a\u200bb"]
)
def test_a_token_that_no_header_carries_is_refused_and_not_repeated(token: str) -> None:
    told = problem(ON_DATABRICKS, registry_token=token)

    assert told.startswith("registry-token: holds a space, a line break")
    assert token not in told


def test_the_line_break_that_ends_a_pasted_token_is_not_part_of_it() -> None:
    assert read(ON_DATABRICKS, registry_token=" dapi-1\r\n").registry.token == Secret("dapi-1")


@pytest.mark.parametrize("workspace_id", ["12a", "-1", "1 2", "?o=1", "١٢", "1" * 21])
def test_a_workspace_id_is_a_number(workspace_id: str) -> None:
    told = problem(ON_DATABRICKS, registry_workspace_id=workspace_id)

    assert told == "registry-workspace-id: is the workspace's number, digits only."


def test_no_secret_is_in_what_the_inputs_print_of_themselves() -> None:
    inputs = read(
        ON_DATABRICKS,
        tracking_uri=SERVER,
        tracking_username="jane",
        tracking_password="hunter2",
    )

    assert "dapi-of-the-registry" not in repr(inputs)
    assert "hunter2" not in repr(inputs)
