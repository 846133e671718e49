"""TLS, proxies and `.netrc`: what lies between a call and its server."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from certificates import self_signed
from tiny_server import Proxy, Reply, TinyServer, serving, tunnelling_proxy

from remote_registry.errors import Failure, RegistryFailed
from remote_registry.inputs.sides import Databricks, MlflowServer, Secret
from remote_registry.rest import REGISTRY, InDoubt, Rest

HOST = "workspace.example"
TOKEN = Secret("dapi-1")
GOOD = Reply.of({"answer": 42})
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC")
VARIABLES += ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path / "certificate.pem", "127.0.0.1", HOST)


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[TinyServer]:
    with serving(certificate) as server:
        server.replies = [GOOD]
        yield server


@pytest.fixture
def proxy(tls_server: TinyServer) -> Iterator[Proxy]:
    """Leads to the server with TLS."""
    with tunnelling_proxy(tls_server) as proxy:
        yield proxy


def workspace(url: str) -> Rest:
    return Rest(Databricks(url, TOKEN), REGISTRY, seconds=0.6)


def test_a_certificate_of_nobody_is_refused_before_the_token_is_sent(
    tls_server: TinyServer,
) -> None:
    with pytest.raises(RegistryFailed, match=r"TLS .* failed: self.signed certificate") as told:
        workspace(tls_server.url).once("/create", {})
    assert not isinstance(told.value, InDoubt)
    assert "REQUESTS_CA_BUNDLE" in told.value.todo
    assert tls_server.requests == []


def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path / "other.pem", HOST)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(certificate) as other:
        with pytest.raises(RegistryFailed, match=r"TLS .* failed: .*mismatch"):
            workspace(other.url).get("/get")
        assert other.requests == []


def test_a_private_authority_is_trusted_by_its_bundle(
    tls_server: TinyServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    assert workspace(tls_server.url).get("/get") == {"answer": 42}


def test_a_bundle_that_is_not_there_is_told(
    tls_server: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")

    with pytest.raises(RegistryFailed, match=r"/nowhere/bundle\.pem"):
        workspace(tls_server.url).get("/get")


def test_a_port_without_tls_is_told(tiny: TinyServer) -> None:
    with pytest.raises(RegistryFailed, match="TLS with the registry host failed"):
        workspace(tiny.url.replace("http:", "https:")).get("/get")
    assert tiny.requests == []


@pytest.mark.parametrize(
    ("side", "sent"), [({}, None), ({"token": TOKEN}, "Bearer dapi-1")], ids=["no", "token"]
)
def test_netrc_signs_nobody_in(
    tiny: TinyServer,
    side: dict[str, Secret],
    sent: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    Rest(MlflowServer(tiny.url, **side), REGISTRY).get("/get")  # type: ignore[arg-type]

    assert tiny.requests[0].headers.get("Authorization") == sent


def test_a_proxy_leads_to_a_host_and_sees_no_token(
    tls_server: TinyServer, proxy: Proxy, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    assert workspace(f"https://{HOST}").get("/get") == {"answer": 42}

    (asked,) = proxy.requests
    assert (asked.method, asked.path) == ("CONNECT", f"{HOST}:443")
    assert "dapi" not in str(asked)
    assert tls_server.requests[0].headers["Authorization"] == "Bearer dapi-1"


def test_a_proxy_that_reads_tls_is_refused(
    tls_server: TinyServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    with pytest.raises(RegistryFailed, match="TLS with the registry host failed"):
        workspace(f"https://{HOST}").get("/get")
    assert tls_server.requests == []


def test_a_proxy_that_refuses_is_told_and_leaves_no_doubt(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    proxy.refusing = True

    with pytest.raises(RegistryFailed, match="can't be reached by the proxy") as told:
        workspace(f"https://{HOST}").once("/create", {})
    assert not isinstance(told.value, InDoubt)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_this_machine_itself_is_reached_without_a_proxy(
    tiny: TinyServer, proxy: Proxy, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy.url)

    workspace(tiny.url).get("/get")

    assert len(tiny.requests) == 1
    assert proxy.requests == []


def test_no_proxy_keeps_a_host_from_the_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "nowhere.invalid")

    with pytest.raises(Failure, match="can't be resolved"):
        workspace("https://nowhere.invalid").get("/get")
    assert proxy.requests == []


@pytest.mark.parametrize(
    "variable", ["DATABRICKS_TOKEN", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"]
)
def test_variables_of_other_clients_sign_nobody_in(
    tiny: TinyServer, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "dapi-of-the-environment")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "of-the-environment")

    Rest(MlflowServer(tiny.url), REGISTRY).get("/get")

    assert "Authorization" not in tiny.requests[0].headers


def test_a_machine_with_no_room_for_another_connection_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(urllib3.util.connection, "create_connection", full)
    with pytest.raises(RegistryFailed, match=r"too many files open \(ulimit -n\)"):
        workspace("http://127.0.0.1:9").get("/get")


@pytest.fixture
def dropping(tls_server: TinyServer) -> Iterator[str]:
    """Leads to the server with TLS, but ends the first connection after its hello."""
    address = urlsplit(tls_server.url)

    def accept() -> None:
        with listening.accept()[0] as first:
            first.recv(65536)  # all of it, or it would be a reset
        while True:
            try:
                client = listening.accept()[0]
            except OSError:
                return
            server = socket.create_connection((address.hostname, address.port))
            for ends in [(client, server), (server, client)]:
                threading.Thread(target=pass_on, args=ends, daemon=True).start()

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_is_dropped_within_tls_is_made_again(
    dropping: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    rest = Rest(Databricks(dropping, TOKEN), REGISTRY, seconds=5.0)
    assert rest.get("/get") == {"answer": 42}
