"""What hw.build predicts of a network, asked from training."""

import pytest

from sw.golden.stages import Signature
from sw.training.asked import board
from sw.training.asked.board import Room
from sw.training.asked.effort import RunError


@pytest.mark.parametrize("shape, room", [
    ("200-128-10", Room(1027, 16, 937_500, "1x200")),    # As in docs/tutorial.md.
    ("28x28x1:8-32s2-64p-64p-10", None)], ids=["fits", "does not"])
def test_a_network_has_room_or_not(shape, room):
    assert board.ask("icestick", Signature.parse(shape)) == room


def test_an_unknown_board_is_refused():
    with pytest.raises(RunError, match=r"^Unknown board 'icestik'; known boards: .*did you mean"):
        board.ask("icestik", Signature.parse("8-4-2"))


def test_a_wait_ends(monkeypatch):
    monkeypatch.setattr(board, "PATIENCE", 0.05)
    with pytest.raises(RunError) as refused:
        board.ask("icestick", Signature.parse("8-4-2"))
    assert str(refused.value) == ("hw.build must say within 0.05 s what 8-4-2 takes, and did not: "
                                  "leave --board out")
