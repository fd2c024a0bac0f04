"""What every answer over HTTP has, and which requests get none; without sockets."""

import socket

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.web import app


def echo(request):
    return PlainTextResponse(request.state.body)


def raises(error):
    def endpoint(request):
        raise error

    return endpoint


@pytest.fixture
def client():
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/wrong", raises(InputError("no photo.png here"))),
        Route("/gone", raises(HTTPException(410, "no longer here"))),
        Route("/fault", raises(ZeroDivisionError("ours"))),
    ]
    application = app.Application(routes, "photos.example")
    return TestClient(application, "http://127.0.0.1:8700")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/wrong", 400, "no photo.png here"),
        ("/gone", 410, "no longer here"),
        ("/fault", 500, "internal error; see the server's terminal"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_a_refusal_is_a_sentence(client, capsys, path, status, sentence):
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})
    assert ("ZeroDivisionError: ours" in capsys.readouterr().err) == (status == 500)


@pytest.mark.parametrize("path", ["/echo", "/wrong", "/fault", "/nowhere"])
def test_every_answer_is_kept_from_caches_and_other_sites(client, path):
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert policy == "default-src 'self'; img-src 'self' blob: data:"


@pytest.mark.parametrize("path", ["/echo", "/nowhere"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_64_megabytes_is_refused_on_every_route(
    client, monkeypatch, path, announced
):
    assert app.MAX_BYTES == 64 * 2**20
    monkeypatch.setattr(app, "MAX_BYTES", 2**20)
    parts = [bytes(2**19)] * 2
    allowed = client.post(path, content=b"".join(parts) if announced else iter(parts))
    assert allowed.status_code == {"/echo": 200, "/nowhere": 404}[path]
    parts.append(b"x")
    refused = client.post(path, content=b"".join(parts) if announced else iter(parts))
    assert refused.status_code == 413
    assert refused.json() == {"error": "a request may have up to 1 MB"}


OWN = "http://127.0.0.1:8700"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8701"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": OWN},
    ],
)
def test_a_form_of_another_site_is_refused(client, headers):
    answer = client.post("/echo", content=b"x", headers=headers)
    assert answer.status_code == 403
    assert answer.json() == {"error": "requests from other sites are refused"}


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}]
)
def test_the_page_itself_and_programs_are_answered(client, headers):
    assert client.post("/echo", content=b"x", headers=headers).text == "x"


def test_a_link_on_another_site_opens_the_page(client):
    assert client.get("/echo", headers={"Sec-Fetch-Site": "cross-site"}).is_success


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]:8700", "192.168.0.7:80", "Photos.Example:8700"]
    + [socket.gethostname(), f"{socket.gethostname()}.local:8700"],
)
def test_the_server_is_called_by_addresses_and_its_own_names(client, host):
    assert client.get("/echo", headers={"Host": host}).is_success


@pytest.mark.parametrize(
    "host", ["evil.example:8700", "127.0.0.1.evil.example", "", "["]
)
def test_a_strange_name_that_points_here_is_refused(client, host):
    answer = client.get("/echo", headers={"Host": host})
    assert answer.status_code == 421
    assert f"not called {host!r}" in answer.json()["error"]
