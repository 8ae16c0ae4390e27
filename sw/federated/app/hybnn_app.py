"""The two apps of sw.federated under the name by which Flower finds them."""

from sw.federated.client_app import app as client
from sw.federated.server_app import app as server

__all__ = ["client", "server"]
