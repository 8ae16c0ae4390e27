"""Flower's messages: one record, one value, and the bytes they are on the wire."""

from flwr.app import ConfigRecord, Message, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree

from .codec import CodecError

__all__ = ["read", "size", "write"]

RECORD, VALUE = "hybnn", "update"


def write(data: bytes) -> RecordDict:
    """Put an update into what a message holds."""
    return RecordDict({RECORD: ConfigRecord({VALUE: data})})


def read(message: Message) -> bytes:
    """Take the update out of a message; :exc:`CodecError` if there is none."""
    record = message.content.get(RECORD)
    data = record.get(VALUE) if isinstance(record, ConfigRecord) else None
    if not isinstance(data, bytes):
        raise CodecError("It holds no update")
    return data


def size(message: Message) -> int:
    """Count the bytes that Flower pushes for a message: its objects, and the tree of their names.

    What HTTP and TLS add is not counted.
    """
    objects = get_all_nested_objects(message).values()
    names: int = get_object_tree(message).ByteSize()
    return names + sum(len(part.deflate()) for part in objects)
