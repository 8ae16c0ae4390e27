"""The demo's server: who may ask, what is answered, and for how long it waits."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from http.client import HTTPConnection
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

pytest.importorskip("starlette", reason="no Starlette. Try: pip install -e '.[demo]'")

from sw import classify
from sw.demo import server as serving
from sw.demo.__main__ import HOST
from sw.demo.app import MAX_BYTES, Demo, app
from sw.golden.network import random_network
from sw.golden.stages import Signature
from sw.host.board import BoardError
from sw.images.names import OwnImages
from sw.images.picture import Nothing
from sw.training.asked.columns import TableConfig
from sw.training.asked.effort import RunError
from sw.training.asked.stages import OnChipConfig
from tests.untrained import make_run


def png(image):
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def drawn(width, side=298, margin=8, ink=255):
    """What the page sends: strokes on black, with a margin on which nobody can draw."""
    inner = Image.new("RGB", (side - 2 * margin, side - 2 * margin))
    ImageDraw.Draw(inner).line([(80, 60), (200, 90), (120, 250)], (ink,) * 3, width)
    image = Image.new("RGB", (side, side))
    image.paste(inner, (margin, margin))
    return png(image)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return Demo(make_run(tmp_path_factory.mktemp("run")))


@contextmanager
def served(demo):
    with socket.create_server((HOST, 0)) as listening:
        server = serving.server(app(demo))
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def port(demo):
    with served(demo) as port:
        yield port


def ask(port, method="POST", path="/classify", body=b"", **headers):
    connection = HTTPConnection(HOST, port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": f"{HOST}:{port}", "Content-Length": len(body)}
                            | headers).items():
            if value is not None:
                connection.putheader(name, str(value))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_an_answer(port):
    status, answer = ask(port, body=drawn(20))
    found = json.loads(answer)
    assert status == 200 and found["golden"] in range(10) and len(found["code"]) == 200


@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"Host": "localhost:{}"}, 200), ({"Host": "LOCALHOST"}, 200),
    ({"Host": "127.0.0.1:9"}, 200),    # By a tunnel.
    ({"Host": "localhost:{}", "Origin": "http://localhost:{}"}, 200),
    ({"Origin": "http://127.0.0.1:{}"}, 200),
    ({"Host": "evil.example"}, 403), ({"Host": "evil.example:{}"}, 403), ({"Host": ""}, 403),
    ({"Host": "127.0.0.1.evil.example:{}"}, 403), ({"Host": "localhost:{}@evil.example"}, 403),
    ({"Host": "evil.example#localhost"}, 403), ({"Host": "0.0.0.0:{}"}, 403),
    ({"Host": "localhost."}, 403),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
    ({"Origin": "https://127.0.0.1:{}"}, 403), ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "http://localhost:{}"}, 403),
])
@pytest.mark.parametrize("method, path, body", [
    ("POST", "/classify", drawn(20)), ("GET", "/about", b""), ("GET", "/", b"")])
def test_only_its_own_page_may_ask(port, headers, status, method, path, body):
    found = {name: value.format(port) for name, value in headers.items()}
    assert ask(port, method, path, body, **found)[0] == status


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_one_host_is_named(port, hosts):
    with socket.create_connection((HOST, port), 30) as client:
        client.sendall(b"GET /about HTTP/1.0\r\n" + hosts + b"\r\n")
        assert client.makefile("rb").readline().split()[1] in (b"400", b"403")


@pytest.mark.parametrize("body, status, error", [
    (png(Image.new("RGB", (298, 298))), 200, "There is nothing to see yet"),
    (drawn(1), 200, None), (drawn(500), 200, None), (drawn(20, ink=1), 200, None),
    (b"", 422, "The picture holds no picture: give a PNG or a JPEG file"),
    (b"null", 422, "The picture holds no picture: give a PNG or a JPEG file"),
    (drawn(20)[:300], 422, "The picture is damaged: "),
    (png(Image.new("1", (4000, 4000))), 422, "The picture has 4000 x 4000 pixels, more than "),
    (bytes(MAX_BYTES + 1), 413, "A drawing must have at most 1,000,000 bytes"),
])
def test_whoever_draws_is_answered(port, body, status, error):
    found, answer = ask(port, body=body)
    assert found == status
    assert json.loads(answer).get("error", "").startswith(error or "")
    assert ("golden" in json.loads(answer)) == (error is None)


def test_a_drawing_is_read_as_a_runs_own_images_are(tmp_path):
    random_network(Signature.parse("28x28x1:8-4-2")).save(tmp_path / "network.safetensors")
    config = OnChipConfig("28x28x1:8-4-2", "mnist", None, "all", "sign", 0, "cpu", 1, 8, "none", 2,
                          OwnImages("mnist", 28, False, None, ("a", "b"), ""))
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    demo = Demo(tmp_path)
    drawing = png(Image.linear_gradient("L").point(lambda tone: 255 - tone // 2))
    (tmp_path / "a.png").write_bytes(drawing)
    inputs = classify.pixels(tmp_path, demo.network, [tmp_path / "a.png"])
    assert demo.answer(drawing)["code"] == inputs.codes[0].tolist()
    with pytest.raises(Nothing):
        demo.answer(png(Image.new("L", (60, 60), 7)))


def test_the_run_of_a_table_is_refused(tmp_path):
    config = TableConfig("t.csv", "class", 8, (8,), "sign", 0, "cpu", 1, 8, "")
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    (tmp_path / "encoding.json").write_text(json.dumps(
        {"format": "hybnn-encoding-1", "label": "class", "classes": ["a"], "columns": []}))
    random_network((20, 8, 2)).save(tmp_path / "network.safetensors")
    with pytest.raises(RunError) as refused:
        Demo(tmp_path)
    assert str(refused.value) == (f"sw.demo takes drawings, and the run in {tmp_path} is of a "
                                  "table: see --table of python -m sw.classify")


class Silent:
    """Of a board no more than that it does not answer any more."""

    def classify(self, codes):
        raise self.error


@pytest.mark.parametrize("error", [BoardError("it is silent"), OSError(5, "gone")])
def test_without_its_board_golden_answers(demo, error):
    board = Silent()
    board.error, demo.board = error, board
    try:
        found = demo.answer(drawn(20))
    finally:
        demo.board = None
    assert (found["silent"], "board" in found) == (str(error), False)
    assert found["golden"] == demo.answer(drawn(20))["golden"]


@pytest.mark.parametrize("begun", [
    b"", b"POST /cl", b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
    b"POST /classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ids=["nothing", "half a head", "half a body", "no body"])
def test_slow_clients_are_cut_off(demo, monkeypatch, begun):
    monkeypatch.setattr(serving, "PATIENCE", 0.3)
    with served(demo) as port, socket.create_connection((HOST, port), 30) as client:
        client.sendall(begun)
        assert client.recv(1000) == b""    # After less than the 30 seconds.


def test_an_answer_that_takes_long_is_waited_for(demo, monkeypatch):
    monkeypatch.setattr(serving, "PATIENCE", 0.3)
    monkeypatch.setattr(demo, "answer", lambda drawing: time.sleep(1) or {"golden": 3})
    with served(demo) as port:
        assert ask(port, body=drawn(20))[0] == 200


def test_who_goes_away_leaves_no_trace(demo, capfd):
    with served(demo) as port:
        for _ in range(3):
            with socket.create_connection((HOST, port), 30) as client:
                client.sendall(b"POST /classify HTTP/1.1\r\nHost: localhost\r\n"
                               b"Content-Length: 100\r\n\r\nx")
        assert ask(port, body=drawn(20))[0] == 200
    assert capfd.readouterr() == ("", "")


def test_of_too_many_at_once_some_are_turned_away(demo, monkeypatch):
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", 4)
    with served(demo) as port:
        waiting = [socket.create_connection((HOST, port), 30) for _ in range(8)]
        try:
            assert ask(port, "GET", "/about")[0] == 503
        finally:
            for client in waiting:
                client.close()
        deadline = time.monotonic() + 30
        while ask(port, "GET", "/about")[0] != 200:
            assert time.monotonic() < deadline
