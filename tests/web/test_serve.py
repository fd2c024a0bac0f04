"""A server on real sockets: where it listens, and what it does not wait for."""

import contextlib
import socket
import ssl
import urllib.request

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.web import app, serve
from tf_edgeconnect.web.serve import LocalServer


def has_ipv6():
    with (
        contextlib.suppress(OSError),
        socket.create_server(("::1", 0), family=socket.AF_INET6),
    ):
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")


def hello(host):
    return app.Application([Route("/", lambda _: PlainTextResponse("hello"))], host)


def read(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


@pytest.fixture
def connect():
    with LocalServer(hello("127.0.0.1"), "127.0.0.1") as server:
        yield lambda: socket.create_connection(("127.0.0.1", server.port), 30)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        pytest.param("::1", marks=needs_ipv6),
        pytest.param("::", marks=needs_ipv6),
    ],
)
def test_it_answers_at_its_url_without_a_word_in_the_terminal(host, capfd):
    with LocalServer(hello(host), host) as server:
        assert read(server.url) == b"hello"
    with pytest.raises(OSError):
        read(server.url)
    assert capfd.readouterr() == ("", "")


@needs_ipv6
def test_all_of_ipv6_is_all_of_ipv4_too():
    with LocalServer(hello("::"), "::") as server:
        assert read(f"http://127.0.0.1:{server.port}/") == b"hello"


def test_a_port_in_use_or_a_strange_host_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="another --rest-port or --host"):
            LocalServer(hello(""), "127.0.0.1", port, "--rest-port")
    for host in ("nowhere.invalid", "a..b", "192.0.2.1"):
        with pytest.raises(InputError, match=f"cannot listen on {host}:0"):
            LocalServer(hello(host), host)


def test_a_body_that_does_not_come_is_cut_off(connect, monkeypatch):
    monkeypatch.setattr(app, "BODY_SECONDS", 0.1)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    with connect() as connection:
        connection.sendall(head + b"part")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"not complete after 0.1 seconds" in answer


@pytest.mark.parametrize("part", [b"", b"POST / HTTP/1.1\r\nHost: local"])
def test_a_head_that_does_not_come_is_cut_off(monkeypatch, connect, part):
    monkeypatch.setattr(serve, "HEADER_SECONDS", 0.1)
    with connect() as connection:
        connection.sendall(part)
        assert connection.recv(4096) == b""


def test_a_head_without_an_end_is_refused(connect):
    with connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + bytes(2**18))
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_broken_upload_does_no_harm(connect, capfd):
    with connect() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
    with connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert capfd.readouterr() == ("", "")


def test_no_tls_is_spoken(connect):
    with connect() as connection, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(
            connection, server_hostname="localhost"
        )
