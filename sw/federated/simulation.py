"""All clients in one process, one after the other.

Flower's own simulation starts Ray, which took 20 seconds on two cores before its first message,
and each of Ray's processes would encode the images anew; a small head learns in a second. This is a
Grid of Flower's like any other: server and clients are the apps that ``flwr run`` deploys, and each
message is made into bytes and back.
"""

from collections.abc import Iterable

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.serde import (
    message_from_proto,
    message_to_proto,
    recorddict_from_proto,
    recorddict_to_proto,
)
from flwr.proto.message_pb2 import Message as Sent
from flwr.proto.recorddict_pb2 import RecordDict as SentRecords
from flwr.serverapp import Grid
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from google.protobuf.message import DecodeError

from .settings import Settings

__all__ = ["Simulation"]

SERVER, FIRST = 1, 1000    # Numbers of nodes.
FAILED = 0


class Simulation(Grid):
    """Clients of one app, with a memory each.

    Attributes
    ----------
    contexts : dict of int to Context
        Of each node.
    """

    def __init__(self, app: ClientApp, settings: Settings) -> None:
        self.app = app
        self.contexts = {
            FIRST + number: Context(run_id=1, node_id=FIRST + number, state=RecordDict(),
                                    node_config={"partition-id": number,
                                                 "num-partitions": settings.clients},
                                    run_config=settings.config())
            for number in range(settings.clients)}
        self._answers: dict[str, Message] = {}
        self.set_run(Run.create_empty(1))

    def memories(self) -> dict[str, bytes]:
        """Return what each client keeps to itself, by its node: here they die with the server, and
        a run that goes on without would be another."""
        return {str(node): recorddict_to_proto(context.state).SerializeToString()
                for node, context in self.contexts.items() if context.state}

    def remember(self, memories: dict[str, bytes]) -> None:
        """Return clients back what :meth:`memories` gave; :exc:`ValueError` if it did not."""
        for name, memory in memories.items():
            try:
                self.contexts[int(name)].state = recorddict_from_proto(
                    SentRecords.FromString(memory))
            except (DecodeError, KeyError, TypeError) as error:
                raise ValueError(f"There is no memory of node {name}") from error

    def set_run(self, run: Run) -> None:
        self._run = run
        # Messages are signed with these, which are the process's.
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = run.run_id, 1, SERVER

    @property
    def run(self) -> Run:
        return self._run

    def create_message(self, content: RecordDict, message_type: str, dst_node_id: int,
                       group_id: str, ttl: float | None = None) -> Message:
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        return list(self.contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Have each message answered at once."""
        names = []
        for message in messages:
            name = message.object_id
            message.metadata.__dict__["_message_id"] = name    # As a SuperLink does.
            self._answers[name] = _carry(self._answer(_carry(message)))
            names.append(name)
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self._answers.pop(name) for name in message_ids if name in self._answers]

    def send_and_receive(self, messages: Iterable[Message], *,
                         timeout: float | None = None) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))

    def _answer(self, question: Message) -> Message:
        try:
            return self.app(question, self.contexts[question.metadata.dst_node_id])
        except Exception as error:    # Of whatever kind: a SuperNode answers so, too.
            return Message(Error(FAILED, f"{type(error).__name__}: {error}"), reply_to=question)


def _carry(message: Message) -> Message:
    """Make a message into bytes and back, as between machines."""
    return message_from_proto(Sent.FromString(message_to_proto(message).SerializeToString()))
