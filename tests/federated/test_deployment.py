"""One SuperLink and two SuperNodes as processes that speak TLS, against the simulation."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import torch

pytest.importorskip("flwr", reason="needs flwr: pip install '.[fed]'")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sw.federated.client_app import app
from sw.federated.run import prepare
from sw.federated.server_app import serve
from sw.federated.settings import Settings
from sw.federated.simulation import Simulation
from sw.models.autoencoder import Encoder

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 400.0    # Seconds: Flower starts a process for every message, each of them loads torch.


def write_certificates(folder):
    """Make an authority, and a server it vouches for on this machine."""
    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def certificate(of, key, by, by_key, extension):
        now = datetime.now(UTC)
        return (x509.CertificateBuilder().subject_name(name(of)).issuer_name(name(by))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
                .add_extension(extension, critical=False).sign(by_key, hashes.SHA256()))

    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    known = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    pem = serialization.Encoding.PEM
    for file, one in (
            ("ca.crt", certificate("authority", authority, "authority", authority,
                                   x509.BasicConstraints(ca=True, path_length=None))),
            ("server.pem", certificate("server", server, "authority", authority, known))):
        (folder / file).write_bytes(one.public_bytes(pem))
    (folder / "server.key").write_bytes(server.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def free_ports(n):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def running(folder, name, *arguments):
    """Run a program of Flower's until the block ends; its output goes into a file."""
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen([BIN / arguments[0], *arguments[1:]], cwd=folder, stdout=log,
                                   stderr=subprocess.STDOUT, env=environment(folder))
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment(folder):
    return {**os.environ, "FLWR_HOME": str(folder / "home"), "FLWR_TELEMETRY_ENABLED": "0",
            "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def logs(folder):
    return "\n".join(f"{path.name}:\n{path.read_text()[-2000:]}" for path in folder.glob("*.log"))


def wait_for(condition, folder):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, logs(folder)
        time.sleep(0.5)


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def deploy(folder, settings):
    """Do a run with Flower's own programs; return when its metrics are written."""
    link, *nodes = free_ports(1 + settings.clients)
    write_certificates(folder)
    (folder / "home").mkdir()
    (folder / "home" / "config.toml").write_text(
        f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "127.0.0.1:{link}"\n'
        f'root-certificates = "{folder / "ca.crt"}"\n')
    config = " ".join(f"{key}={value!r}" if isinstance(value, str) else
                      f"{key}={str(value).lower()}" for key, value in settings.config().items())
    with ExitStack() as stack:
        stack.enter_context(running(
            folder, "link", "flower-superlink", "--host", "127.0.0.1", "--port", str(link),
            "--ssl-certfile", "server.pem", "--ssl-keyfile", "server.key",
            "--ssl-ca-certfile", "ca.crt", "--disable-runtime-dependency-installation"))
        wait_for(lambda: listens(link), folder)
        for number, port in enumerate(nodes):
            stack.enter_context(running(
                folder, f"node-{number}", "flower-supernode", "--superlink", f"127.0.0.1:{link}",
                "--root-certificates", "ca.crt", "--port", str(port),
                "--node-config", f"partition-id={number} num-partitions={settings.clients}"))
        subprocess.run([BIN / "flwr", "run", ROOT / "sw/federated/app", "here", "-c", config],
                       check=True, timeout=PATIENCE, env=environment(folder), capture_output=True)
        wait_for((Path(settings.out) / "metrics.json").exists, folder)


def test_processes_that_speak_tls_learn_what_the_simulation_learns(tmp_path):
    torch.manual_seed(0)
    Encoder(40, 2).save(tmp_path / "encoder.safetensors")
    settings = Settings(out=str(tmp_path / "deployed"), task="0v1", hidden="16", rounds=2,
                        encoder=str(tmp_path / "encoder.safetensors"), clients=2, timeout=PATIENCE)
    deploy(tmp_path, settings)
    simulated = replace(settings, out=str(tmp_path / "simulated"))
    serve(Simulation(app, simulated), simulated, prepare(simulated), lambda entry: None)
    for name in "network", "codes", "encoder":
        assert ((tmp_path / "deployed" / f"{name}.safetensors").read_bytes()
                == (tmp_path / "simulated" / f"{name}.safetensors").read_bytes())
