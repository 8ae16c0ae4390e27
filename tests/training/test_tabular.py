"""Runs of ``sw.train --table``: learnt, exported, classified, and what is refused."""

import json

import numpy as np
import pytest

from sw import classify, report, train
from sw.export import __main__ as export
from sw.export.check import main as check
from sw.golden import fast
from sw.golden.codes import load_codes
from sw.golden.network import Network
from sw.train import main
from sw.training import settling
from sw.training.asked.configs import names_of


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """scikit-learn's iris as a file."""
    from sklearn.datasets import load_iris

    data, path = load_iris(), tmp_path_factory.mktemp("tables") / "iris.csv"
    rows = [",".join([*map(str, row), data.target_names[klass]])
            for row, klass in zip(data.data.tolist(), data.target)]
    path.write_text("\n".join(["a,b,c,d,species", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def finished(iris, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["--table", str(iris), "--label", "species", "--levels", "8", "--epochs", "40",
                 "--device", "cpu", "--out", str(folder)]) == 0
    return folder


def test_a_table_is_learnt_and_exported(finished, capsys):
    network = Network.load(finished / "network.safetensors")
    codes, labels = load_codes(finished / "codes.safetensors")
    metrics = json.loads((finished / "metrics.json").read_text())
    right = round(100 * float((fast.classify_all(network, codes) == labels).mean()), 2)
    assert str(network) == "31-64-3" and metrics["accuracy"]["table"] == right > 85
    assert metrics["rows"] == {"train": 120, "test": 30}
    assert names_of(finished) == ("setosa", "versicolor", "virginica")
    assert check(["--network", str(finished)]) == 0
    assert json.loads(capsys.readouterr().out) == {"codes": 30, "sums": 64 * 32}
    assert report.main([str(finished)]) == 0
    capsys.readouterr()
    assert export.main([str(finished), "--to", str(finished / "out")]) == 0
    assert "31-64-3, equal on all 30 test rows\n" in capsys.readouterr().out


def test_rows_are_classified_with_the_runs_encoding(finished, iris, tmp_path):
    network = Network.load(finished / "network.safetensors")
    inputs = classify.rows(finished, network, iris)
    right = fast.classify_all(network, inputs.codes) == inputs.labels
    assert len(right) == 150 and right.mean() > 0.9 and inputs.name(1) == "versicolor"
    (tmp_path / "new.csv").write_text("d,c,b,a\n0.2,1.4,3.5,5.1\n")    # As the first row is.
    new = classify.rows(finished, network, tmp_path / "new.csv")
    assert new.labels is None and np.array_equal(new.codes[0], inputs.codes[0])


@pytest.mark.parametrize("flags, found", [
    ([], (16, (64,), 500)), (["--hidden", "128"], (16, (128,), 500)),
    (["--levels", "3", "--epochs", "9"], (3, (64,), 9))], ids=["usual", "neurons", "levels"])
def test_what_nobody_says_goes_by_the_table(iris, capsys, flags, found):
    asked = train._parser().parse_args(["--table", str(iris), "--label", "species", *flags])
    config, _ = settling.settle(asked)
    assert capsys.readouterr().out == (
        f"trains {found[2]} epochs of batches of 32 rows; another number: --epochs\n")
    assert (config.levels, config.hidden, config.epochs) == found


def test_rows_need_the_run_of_a_table(finished, iris, tmp_path):
    with pytest.raises(classify.ClassifyError, match=r"--table is for the run of a table$"):
        classify.rows(tmp_path, Network.load(finished / "network.safetensors"), iris)


@pytest.mark.parametrize("text, labels", [
    ("a,b,c,d\n5,3,1,0\n5,3,1,0\n", None), ("a,b,c,d,species\n5,3,1,0,\n5,3,1,0,?\n", None),
    ("species,a,b,c,d\nsetosa,5,3,1,0\nvirginica,5,3,1,0\n", [0, 2])],
    ids=["no column", "empty", "labels"])
def test_labels_are_those_that_the_file_has(finished, tmp_path, text, labels):
    (tmp_path / "new.csv").write_text(text)
    found = classify.rows(finished, Network.load(finished / "network.safetensors"),
                          tmp_path / "new.csv").labels
    assert labels == (None if found is None else found.tolist())


@pytest.mark.parametrize("name, said", [
    ("no.csv", "{}/no.csv must be a table (CSV, NPZ or Parquet), and is not there"),
    (".", "{} must be a table (CSV, NPZ or Parquet), and is a folder: give the file in it, or "
          "images with --images")], ids=["nothing", "folder"])
def test_a_table_that_is_not_there(finished, tmp_path, capsys, name, said):
    assert classify.main(["--port", "nothing", "--network", str(finished),
                          "--table", str(tmp_path / name)]) == 2
    assert main(["--table", str(tmp_path / name), "--label", "x"]) == 2
    assert capsys.readouterr().err == f"error: {said.format(tmp_path)}\n" * 2


def test_a_run_goes_on_with_the_same_rows_alone(finished, iris, tmp_path, capsys):
    config = json.loads((finished / "config.json").read_text())
    other = tmp_path / "iris.csv"
    other.write_text(iris.read_text() + "1,2,3,4,setosa\n")
    (tmp_path / "config.json").write_text(json.dumps(config | {"table": str(other)}))
    assert main(["--resume", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {other} holds other rows than when the run was begun\n")
    (tmp_path / "config.json").write_text(json.dumps(config | {"levels": 0}))
    assert main(["--resume", str(tmp_path)]) == 2
    assert "The number of levels must be 1 to 255, not 0" in capsys.readouterr().err


@pytest.mark.parametrize("flags, said", [
    (["--label", "species"], "--table and --label belong together: a CSV file, and its column of "
                             "classes"),
    (["--table", "{}"], "--table and --label belong together: a CSV file, and its column of "
                        "classes"),
    (["--table", "{}", "--label", "kind"], "{} must have the column 'kind', and has a, b, c, d, "
                                           "species"),
    (["--table", "{}", "--label", "species", "--levels", "300"],
     "The number of levels must be 1 to 255, not 300"),
    (["--table", "{}", "--label", "species", "--epochs", "0"],
     "The number of epochs must be 1 to 2147483647, not 0"),
    (["--table", "{}", "--label", "species", "--data", "mnist"],
     "--table brings data and classes: it takes no --data, --task, --encoder or --model"),
    (["--table", "{}", "--label", "species", "--seed", "-1"],
     "The seed must be 0 to 4294967295, not -1"),
    (["--table", "{}", "--label", "species", "--bits", "40"],
     "--table takes no --bits, --loss, --precision or --limit"),
    (["--table", "{}", "--label", "species", "--pixels", "1"],
     "--pixels, --augment and --threads are for a network on the chip, see --on-chip"),
    (["--table", "{}", "--label", "species", "--side", "9"],
     "--side and --colour are for your own images, see --images"),
    (["--table", "{}", "--label", "species", "--on-chip", "small"],
     "A run is of images or of a table: --images and --on-chip do not go with --table and --label"),
    (["--levels", "9"], "--levels is for the columns of a table, see --table"),
], ids=["label", "table", "column", "levels", "epochs", "data", "seed", "bits", "pixels", "side",
        "on chip", "no table"])
def test_what_cannot_be_learnt_is_refused(iris, tmp_path, capsys, flags, said):
    assert main([*(flag.format(iris) for flag in flags), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"error: {said.format(iris)}\n"
    assert not (tmp_path / "run").exists()
