import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("flwr", reason="needs flwr: pip install '.[fed]'")

from flwr.app import ConfigRecord, Error, Message, MetricRecord, RecordDict

from sw.export.equality import check
from sw.federated import __main__ as command
from sw.federated import message, server_app
from sw.federated import site_codes as images
from sw.federated.client_app import app
from sw.federated.codec import Update, decode, encode
from sw.federated.federation import Federation
from sw.federated.rounds import first
from sw.federated.run import prepare
from sw.federated.server_app import STATE, federate, serve
from sw.federated.settings import Settings
from sw.federated.simulation import FIRST, Simulation
from sw.federated.steps import Step, beginning
from sw.golden import forward as golden
from sw.golden.codes import load_codes
from sw.golden.network import Network
from sw.images import data
from sw.models.autoencoder import Encoder
from sw.models.encoding import CodeSet, pack_signs
from sw.training.asked.effort import SMALL, RunError


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Settings of a federation that is soon done; its encoder is not trained."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    Encoder(40, 2).save(path)
    return Settings(encoder=str(path), hidden="16", rounds=3, task="0v1", timeout=0.5)


@pytest.fixture(autouse=True)
def easy(monkeypatch):
    """Put codes that are easy to tell apart in the place of those of images."""
    torch.manual_seed(0)
    labels = torch.arange(1200) % 2
    center = torch.where(torch.rand(40) < 0.5, 1.0, -1.0)
    signs = torch.where(torch.rand(1200, 40) < 0.3, -1.0, 1.0) * center * (2 * labels[:, None] - 1)
    packed = pack_signs(signs)
    made = CodeSet(packed[None, :900], labels[:900], packed[900:], labels[900:], 40)
    monkeypatch.setattr(images, "_encode", lambda settings: made)
    monkeypatch.setattr(images, "_known", {})
    steps = replace(SMALL, classifier_batch=8)
    monkeypatch.setattr(Settings, "effort", property(lambda self: steps))
    monkeypatch.setattr(server_app, "PAUSE", 0.0)


def shape(settings):
    return images.shape_of(settings)


def learn(settings, folder, app=app):
    """Do a whole run; return its metrics."""
    settings = replace(settings, out=str(folder))
    serve(Simulation(app, settings), settings, prepare(settings), lambda entry: None)
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("codec", ["onebit", "float32"])
def test_a_run_leaves_what_a_training_leaves(tmp_path, settings, codec):
    metrics = learn(replace(settings, codec=codec), tmp_path / "run")
    network = Network.load(tmp_path / "run" / "network.safetensors")
    found, labels = load_codes(tmp_path / "run" / "codes.safetensors")
    accuracy = 100 * float(np.mean(golden.classify_all(network, found) == labels))
    kept = metrics["federation"][metrics["kept"] - 1]
    assert metrics["accuracy"]["hybrid"] == round(accuracy, 2) == kept["accuracy"] > 90
    assert kept["held_out"] == max(entry["held_out"] for entry in metrics["federation"])
    assert check(tmp_path / "run") == {"codes": len(found), "sums": 16 * 41}
    assert ((tmp_path / "run" / "encoder.safetensors").read_bytes()
            == Path(settings.encoder).read_bytes())


@pytest.mark.parametrize("codec", ["onebit", "float32"])
def test_the_same_seed_is_the_same_network(tmp_path, settings, codec):
    for name in "ab":
        learn(replace(settings, codec=codec), tmp_path / name)
    assert ((tmp_path / "a" / "network.safetensors").read_bytes()
            == (tmp_path / "b" / "network.safetensors").read_bytes())


class Faulty:
    """A client app in which client 2 misbehaves in round 2.

    Parameters
    ----------
    fault : callable
        Takes the question, the true answer, and the answer of the round before.
    """

    def __init__(self, fault):
        self.fault, self.before, self.seen = fault, None, []

    def __call__(self, question, context):
        answer = app(question, context)
        self.seen.append((question, answer))
        if question.metadata.message_type == "query" or context.node_config["partition-id"] != 2:
            return answer
        before, self.before = self.before, answer
        if question.metadata.group_id == "2":
            return self.fault(question, answer, before)
        return answer


def saying(data, question):
    return Message(message.write(data), reply_to=question)


def dies(question, answer, before):
    raise MemoryError("killed")


def damaged(question, answer, before):
    return saying(message.read(answer)[:-5], question)


def nothing(question, answer, before):
    return Message(RecordDict(), reply_to=question)


def wordy(question, answer, before):
    return Message(RecordDict({"hybnn": ConfigRecord({"update": "text"})}), reply_to=question)


def replayed(question, answer, before):
    return saying(message.read(before), question)


def of_shape(shape):
    def fault(question, answer, before):
        return saying(encode(Update(2, 50, (beginning(shape, 0).stay(),)), shape), question)
    return fault


def nan(question, answer, before):
    state = first((40, 16, 2), 0)
    state["norms.0.bias"][3] = float("nan")
    return saying(encode(Update(2, 50, state), (40, 16, 2)), question)


def of_nobody(question, answer, before):
    step = beginning((40, 16, 2), 0).stay()
    return saying(encode(Update(2, 0, (step,)), (40, 16, 2)), question)


def late(question, answer, before):
    raise TimeoutError


REFUSED = "client 2's answer is refused: "


@pytest.mark.parametrize("codec, fault, reason", [
    ("onebit", dies, REFUSED + "It failed: MemoryError: killed"),
    ("onebit", damaged, REFUSED + "It was cut or changed on its way: its check is wrong"),
    ("onebit", nothing, REFUSED + "It holds no update"),
    ("onebit", wordy, REFUSED + "It holds no update"),
    ("onebit", replayed, REFUSED + "It is of round 1, not 2"),
    ("float32", replayed, REFUSED + "It is of round 1, not 2"),
    ("onebit", of_shape((40, 8, 2)), REFUSED + "Its shape is 40-8-2, not 40-16-2"),
    ("float32", nan, REFUSED + "It holds nan, which is not finite"),
    ("onebit", nan, REFUSED + "It must be of the codec onebit, not of kind 0"),
    ("onebit", of_nobody, REFUSED + "It was learnt from no image"),
    ("onebit", late, "client 2 did not answer in 0.5 seconds"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_round_goes_on_without_who_fails(tmp_path, monkeypatch, caplog, settings, codec, fault,
                                           reason):
    def pull(self, names, original=Simulation.pull_messages):
        return [answer for answer in original(self, names)
                if not (answer.has_error() and "TimeoutError" in answer.error.reason)]
    monkeypatch.setattr(Simulation, "pull_messages", pull)
    metrics = learn(replace(settings, codec=codec), tmp_path / "run", Faulty(fault))
    assert [(entry["clients"], entry["refused"]) for entry in metrics["federation"]] == [
        ([0, 1, 2], {}), ([0, 1], {"2": reason}), ([0, 1, 2], {})]
    assert metrics["accuracy"]["hybrid"] > 90
    assert [record.getMessage() for record in caplog.records
            if record.levelname == "WARNING"] == [f"round 2: {reason}"]


def test_a_round_in_which_all_fail_changes_nothing(tmp_path, settings):
    def failing(question, context):
        if question.metadata.group_id == "2":
            raise RuntimeError("no power")
        return app(question, context)
    federation = Federation(settings, shape(settings), tmp_path / "state")
    contents = []
    federate(Simulation(failing, settings), federation,
             lambda entry: contents.append(federation.content))
    assert contents[1][:1] == contents[0] and contents[1][1].sizes == (0,) < contents[2][2].sizes


# Who says the opposite of what is true costs rounds. An average of floats, and one of thresholds
# to a degree, has no defence but the median, which is --robust.
@pytest.mark.parametrize("codec, robust", [("onebit", False), ("onebit", True), ("float32", True)])
def test_a_client_that_always_lies_is_outvoted(tmp_path, settings, codec, robust):
    def lie(question, context):
        round, many = int(question.metadata.group_id), 2 ** 32 - 1
        if question.metadata.message_type == "train":
            true = message.read(app(question, context))
            content = decode(true, codec, shape(liars), round).content
        if question.metadata.message_type == "evaluate":
            return saying(encode(Update(round, many, {}, many, 0), shape(liars)), question)
        if codec == "float32":
            lied = {name: -100 * tensor.abs() if "var" not in name else tensor
                    for name, tensor in content.items()}
        else:
            thresholds = content[0].thresholds
            lied = Step(tuple(1 - up for up in content[0].ups), (2.0,),
                        tuple(0 * each for each in thresholds) if robust else thresholds),
        return saying(encode(Update(round, many, lied, many, 0), shape(liars)), question)

    def client(question, context):
        liar = context.node_config["partition-id"] == 2
        if question.metadata.message_type == "query" or not liar:
            return app(question, context)
        return lie(question, context)

    liars = replace(settings, codec=codec, robust=robust, rounds=10)
    found = learn(liars, tmp_path / "run", client)
    assert [entry["refused"] for entry in found["federation"]] == [{}] * 10
    honest = learn(liars, tmp_path / "honest")
    least = honest["accuracy"]["hybrid"] - (2 if codec == "onebit" else 1)    # Of 300 images.
    assert found["accuracy"]["hybrid"] >= least > 90


@pytest.mark.parametrize("codec", ["onebit", "float32"])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("clients_died_too", [False, True])
def test_a_server_that_was_killed_goes_on_from_its_last_round(tmp_path, settings, codec, at,
                                                              clients_died_too):
    class Killed(BaseException):
        pass

    def kill(entry):
        if entry["round"] == at:
            raise Killed
    chosen = replace(settings, codec=codec, out=str(tmp_path / "run"))
    grid, entries = Simulation(app, chosen), []
    with pytest.raises(Killed):
        serve(grid, chosen, prepare(chosen), kill)
    if clients_died_too:
        grid = Simulation(app, chosen)
    serve(grid, chosen, prepare(chosen), entries.append)
    assert [entry["round"] for entry in entries] == list(range(at + 1, 4))
    whole = learn(replace(settings, codec=codec), tmp_path / "whole")
    resumed = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert ((tmp_path / "run" / "network.safetensors").read_bytes()
            == (tmp_path / "whole" / "network.safetensors").read_bytes())
    assert [entry["accuracy"] for entry in resumed["federation"]] == [
        entry["accuracy"] for entry in whole["federation"]]


def test_clients_without_memory_join_in_later(tmp_path, settings):
    chosen = replace(settings, rounds=6, out=str(tmp_path / "run"))
    grid = Simulation(app, chosen)

    def forget(entry):
        if entry["round"] == 3:
            for context in grid.contexts.values():
                context.state = RecordDict()
    serve(grid, chosen, prepare(chosen), forget)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["accuracy"]["hybrid"] > 90
    assert [entry["refused"] for entry in metrics["federation"]] == [{}] * 3 + [
        {str(number): f"client {number}'s answer is refused: It failed: CodecError: It knows what "
         "round 1 begins with, and is told the steps of rounds 3 to 3"
         for number in range(3)}] + [{}] * 2


@pytest.mark.parametrize("codec, least, most", [("float32", 3000, 4500), ("onebit", 600, 800)])
def test_no_image_leaves_a_client(tmp_path, settings, codec, least, most):
    seen = Faulty(lambda question, answer, before: answer)
    learn(replace(settings, codec=codec), tmp_path / "run", seen)
    own = images.codes_of(settings).copies.tobytes()
    for question, answer in seen.seen:
        if question.metadata.message_type == "query":
            assert list(answer.content) == ["client"]
            assert list(answer.content["client"]) == ["number"]
            continue
        assert {name: list(record) for name, record in answer.content.items()} == {
            "hybnn": ["update"]}
        sent = message.read(answer)
        if question.metadata.message_type == "evaluate":
            assert len(sent) == 23 + 2 * 3    # A header and widths.
            continue
        windows = {own[place:place + 10] for place in range(0, len(own), 5)}
        assert not any(sent[place:place + 10] in windows for place in range(len(sent)))
        assert least < message.size(answer) < most


def test_a_round_of_bits_costs_a_27th_of_one_of_floats(settings):
    """With HyBNN's 200-128-2, and all that Flower adds."""
    shape = (200, 128, 2)
    Simulation(app, settings)    # Gives the messages a sender.

    def size(content):
        data = encode(Update(1, 4000, content), shape)
        return message.size(Message(message.write(data), FIRST, "train", group_id="1"))
    assert 27 * size((beginning(shape, 0).stay(),)) < size(first(shape, 0))


def test_a_part_of_many_clients_is_asked(tmp_path, settings):
    many = replace(settings, clients=8, fraction=0.25, rounds=8)
    history = learn(many, tmp_path / "run")["federation"]
    assert all(len(entry["clients"]) == 2 for entry in history)
    assert len({tuple(entry["clients"]) for entry in history}) > 3
    assert history[-1]["accuracy"] > 90


@pytest.mark.parametrize("content, said", [
    (RecordDict(), "node 1002 does not say which client it is"),
    (RecordDict({"client": MetricRecord({"number": 0.5})}),
     "node 1002 does not say which client it is"),
    (RecordDict({"client": MetricRecord({"number": -1})}),
     "node 1002 does not say which client it is"),
    (RecordDict({"client": ConfigRecord({"number": "2"})}),
     "node 1002 does not say which client it is"),
    (RecordDict({"client": MetricRecord({"number": 1})}),
     "node 1002 says that it is client 1, which is there already"),
])
def test_who_is_not_known_is_not_asked(tmp_path, caplog, settings, content, said):
    def client(question, context):
        stranger = context.node_config["partition-id"] == 2
        if question.metadata.message_type == "query" and stranger:
            return Message(content, reply_to=question)
        return app(question, context)
    grid = Simulation(client, settings)
    two = replace(settings, clients=2, rounds=1)
    federation = Federation(two, shape(two), tmp_path / "state")
    federate(grid, federation, lambda entry: None)
    assert federation.history[0]["asked"] == [0, 1]
    assert [record.getMessage() for record in caplog.records] == [said]


def test_too_few_clients_end_it(tmp_path, settings):
    grid = Simulation(app, settings)
    del grid.contexts[FIRST]
    federation = Federation(settings, shape(settings), tmp_path / "state")
    with pytest.raises(RunError, match=r"^After 0\.5 seconds there are 2 clients, not 3$"):
        federate(grid, federation, lambda entry: None)


def test_a_failing_answer_is_an_error_as_flower_sends_it(settings):
    def fails(question, context):
        raise ValueError("why")
    question = Message(RecordDict(), FIRST, "query")
    answer, = Simulation(fails, settings).send_and_receive([question])
    assert isinstance(answer.error, Error) and answer.error.reason == "ValueError: why"


@pytest.mark.parametrize("argv, sentence", [
    (["--clients", "0"],
     "There must be a client, and a fraction above 0 and up to 1, not 0 and 1"),
    (["--rounds", "70000"], "Rounds must be 1 to 65535, not 70000"),
    (["--hidden", "128-3"], "A last hidden layer of 3 has no code words far enough apart for 10 "
     "classes: make it wider, see --hidden"),
    *((["--hidden", width], f"Hidden widths must be like 128 or 128-64, not '{width}'")
      for width in ("x", "0", "70000")),
    (["--encoder", "nowhere"], "There is no encoder in nowhere"),
    (["--encoder", "other/federation.json"], "other/federation.json is not an encoder file: .*"),
    (["--task", "1v1"], "A task must be .*"),
    (["--split", "classes", "--classes", "99"],
     "3 clients of 99 classes each do not share 10 classes: a client must have 1 to 10, and each "
     "class somebody"),
    (["--clients", "500"], "1347 images are enough for 1 to 84 clients, not for 500"),
    (["--resume", "nowhere"], ".*nowhere/federation.json'"),
    (["--resume", "other"], "other/federation.json does not hold the settings of a federation"),
    (["--out", "other"], "other/federation.json does not hold the settings of a federation"),
])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "federation.json").write_text("[]")
    assert command.main(argv) == 2
    assert re.fullmatch(f"error: {sentence}", capsys.readouterr().err.splitlines()[-1])
    assert not (tmp_path / "runs").exists()


def test_the_command_learns_and_goes_on(tmp_path, monkeypatch, capsys, settings):
    flags = ["--task", "0v1", "--hidden", "16", "--rounds", "2", "--encoder", settings.encoder,
             "--out", str(tmp_path / "run")]

    def interrupt(*arguments):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(Federation, "save", interrupt)
        assert command.main(flags) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"interrupted; go on with: python -m sw.federated --resume {tmp_path / 'run'}")
    assert command.main(["--resume", str(tmp_path / "run")]) == 0
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())["kept"]
    assert capsys.readouterr().out.endswith(
        f"kept: round {kept}\nrun folder: {tmp_path / 'run'}\n")
    assert command.main(["--resume", str(tmp_path / "run")]) == 2
    assert (tmp_path / "run" / STATE).exists()


@pytest.mark.parametrize("config, sentence", [
    ({"rounds": "3"}, "rounds must be of type int, not '3'"),
    ({"robust": 1}, "robust must be of type bool, not 1"),
    ({"speed": 1}, "Unknown setting 'speed'"),
    ({"codec": "zip"}, "Unknown codec 'zip'; known are: float32, onebit"),
    ({"seed": -1}, "The seed must be 0 to 4294967295, not -1"),
    ({"alpha": float("nan")}, "Alpha and the timeout must be above 0, not nan and 600"),
    ({"timeout": float("nan")}, "Alpha and the timeout must be above 0, not 0.3 and nan"),
    ({"timeout": 0}, "Alpha and the timeout must be above 0, not 0.3 and 0"),
    ({"encoder": "a\0"}, "No file can be called 'a\\x00'"),
    ({"data": "x"}, f"Unknown data set 'x'; known are: {', '.join(data.NAMES)}"),
])
def test_settings_are_checked(config, sentence):
    with pytest.raises(RunError) as refused:
        Settings.of(config)
    assert str(refused.value) == sentence


def test_settings_come_back(settings):
    assert Settings.of(settings.config()) == settings
    assert Settings.of({"timeout": 3}) == Settings(timeout=3)


def test_where_no_answer_is_taken_nothing_is_learnt(tmp_path, settings):
    def broken(message, context):
        if message.metadata.message_type == "query":
            return app(message, context)
        raise RuntimeError("It is broken")

    chosen = replace(settings, out=str(tmp_path / "run"))
    with pytest.raises(RunError) as refused:
        learn(chosen, tmp_path / "run", broken)
    assert str(refused.value) == (
        "In 3 rounds no client's answer was taken, so nothing was learnt; the same command begins "
        "again: client 0's answer is refused: It failed: RuntimeError: It is broken")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["config.json",
                                                                         "federation.json"]
    assert learn(chosen, tmp_path / "run")["accuracy"]["hybrid"] > 90


@pytest.mark.parametrize("damage", ["", "history", "other"])
def test_a_damaged_state_is_refused(tmp_path, settings, damage):
    from sw.models.checkpoint import CheckpointError, save_checkpoint
    path = tmp_path / "state"
    path.write_text(damage)
    if damage:
        save_checkpoint(path, {damage: "[]", "content": torch.zeros(9, dtype=torch.uint8)})
    with pytest.raises(CheckpointError):
        Federation(settings, shape(settings), path)


@pytest.mark.parametrize("memories, said", [
    ({"9": torch.zeros(3, dtype=torch.uint8)}, "There is no memory of node 9"),
    ({"1000": torch.full((3,), 255, dtype=torch.uint8)}, "There is no memory of node 1000"),
    ({"x": torch.zeros(3, dtype=torch.uint8)}, "There is no memory of node x")])
def test_damaged_memories_are_refused(tmp_path, settings, memories, said):
    from sw.models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
    chosen = replace(settings, rounds=1, out=str(tmp_path))
    learn(chosen, tmp_path)
    path = tmp_path / "federation.safetensors"
    save_checkpoint(path, {**load_checkpoint(path), "memories": memories})
    with pytest.raises(CheckpointError, match=f"does not fit its federation.json: .*{said}"):
        serve(Simulation(app, chosen), chosen, tmp_path, lambda entry: None)


@pytest.mark.parametrize("codec", ["onebit", "float32"])
def test_clients_that_are_unlike_keep_the_best_they_held_out(tmp_path, settings, codec):
    """One class each: what comes of it may get worse at any round."""
    unlike = replace(settings, codec=codec, split="classes", classes=1, clients=2, rounds=4)
    metrics = learn(unlike, tmp_path / "run")
    held_out = [entry["held_out"] for entry in metrics["federation"]]
    kept = max(range(4), key=lambda at: (held_out[at], at))
    assert metrics["kept"] == kept + 1
    assert metrics["accuracy"]["hybrid"] == metrics["federation"][kept]["accuracy"]
    assert all(entry["asked"] == [0, 1] and not entry["refused"]
               for entry in metrics["federation"])


def test_a_server_killed_before_the_last_judgement_asks_for_it(tmp_path, settings):
    chosen = replace(settings, out=str(tmp_path / "run"))

    def kill(entry):
        if entry["round"] == chosen.rounds:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        serve(Simulation(app, chosen), chosen, prepare(chosen), kill)
    kept = serve(Simulation(app, chosen), chosen, prepare(chosen), lambda entry: None)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["kept"] == kept
    assert metrics["federation"] == learn(settings, tmp_path / "whole")["federation"]
