"""Tables: what becomes of their columns, how rows are divided, and what is refused."""

import json

import numpy as np
import pytest

from sw.images import table
from sw.images.names import DataError
from sw.images.table import Column, Encoding

TEXT = """width,kind,class
1,wood,a
2,iron,b
3,,a
4,wood,b
?,iron,a
6,wood,b
"""


def made(tmp_path, text=TEXT):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def fitted(path, label="class", levels=8):
    found = table.read(path, label)
    return found, table.fit(found, np.arange(len(found.rows)), label, levels)


def test_columns_become_bits(tmp_path):
    found, encoding = fitted(made(tmp_path))
    assert encoding.classes == ("a", "b") and encoding.targets(found).tolist() == [0, 1] * 3
    assert encoding.columns == (Column("width", (2.0, 3.0, 4.0, 6.0), (), True),
                                Column("kind", (), ("iron", "wood"), True))
    assert encoding.encode(found).tolist() == [
        [0, 0, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, 1],
        [1, 1, 1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 1, 0]]


def test_a_file_of_an_encoding_comes_back(tmp_path):
    found, encoding = fitted(made(tmp_path))
    encoding.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == encoding
    other = made(tmp_path, "kind;note;width\nwood;x;2.5\n")    # Another order, and no labels.
    assert encoding.encode(table.read(other, None)).tolist() == [[1, 0, 0, 0, 0, 0, 1, 0]]
    assert found.fingerprint != table.read(other, None).fingerprint


@pytest.mark.parametrize("numbers, levels, thresholds", [
    ([5, 5, 5], 8, ()), ([0, 1], 8, (1.0,)), (range(100), 3, (25.0, 50.0, 75.0)), ([], 8, ()),
    ([-1.5, 0, 1e300], 2, (0.0, 1e300))], ids=["one", "two", "many", "none", "far"])
def test_thresholds_are_quantiles(numbers, levels, thresholds):
    assert tuple(table._thresholds([*map(float, numbers)], levels)) == thresholds


def test_a_fifth_of_each_class_is_to_test_on(tmp_path):
    rows = "".join(f"{row},{'abc'[row % 3]}\n" for row in range(90)) + "90,d\n91,d\n"
    found = table.read(made(tmp_path, f"x,y\n{rows}"), "y")
    train, test = table.divide(found, 0)
    assert sorted([*train, *test]) == [*range(92)]
    assert sorted(found.labels[row] for row in test) == ["a"] * 6 + ["b"] * 6 + ["c"] * 6 + ["d"]
    assert not np.array_equal(test, table.divide(found, 1)[1])


@pytest.mark.parametrize("coding, at", [("latin-1", 11), ("utf-16", 1)])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path, coding, at):
    path = tmp_path / "t.csv"
    path.write_bytes("x,class\n1,\u00e4\n2,b\n".encode(coding))
    with pytest.raises(DataError) as refused:
        table.read(path, "class")
    assert str(refused.value) == (f"{path} must be in UTF-8, and is not at byte {at}: save it anew "
                                  "as CSV UTF-8")


@pytest.mark.parametrize("head", ["a\tb\n", '"a, b, c, d";b\n', '\n\r\na;b\n',
                                  '"a\n, b";b\n'], ids=["tab", "quoted", "blank", "two lines"])
def test_what_is_between_values_is_found(tmp_path, head):
    found = table.read(made(tmp_path, head + "1{0}2\n3{0}4\n".format(";" if ";" in head else "\t")),
                       None)
    assert (len(found.names), found.rows) == (2, [["1", "2"], ["3", "4"]])


def test_words_that_are_in_no_row_to_train_on_are_not_numbers(tmp_path):
    found = table.read(made(tmp_path, "x,note,class\n1,,a\n2,seen,b\n3,,a\n4,,b\n"), "class")
    encoding = table.fit(found, np.array([0, 2, 3]), "class", 8)
    assert encoding.encode(found).tolist() == [[0, 0], [0, 0], [1, 0], [1, 1]]


def test_labels_take_the_memory_that_they_have(tmp_path):
    labels = ["a", "a\0", "b" * 100_000] * 50_000    # An array of these has 60 GB.
    found = table.Table(tmp_path, ("x",), [["1"]] * len(labels), labels)
    assert [len(part) for part in table.divide(found, 0)] == [120_000, 30_000]


@pytest.mark.parametrize("text, said", [
    ("", "must be a CSV file with a header, and is empty"),
    ("\n\r\n", "must be a CSV file with a header, and is empty"),
    ("x,class\n", "must have rows below its header"),
    ("x,x,class\n1,2,a\n", "must have columns of different names, and has two named 'x'"),
    ("x,class\n1,a\n2,b\0\n", "must be text without the character NUL"),
    ("x\0,class\n1,a\n2,b\n", "must be text without the character NUL"),
    ("x,class\n1,a\nx,class\n2,b\n", "must have one header, and has it again in row 2"),
    ("x,class\n1,a\n2,3,b\n", "must have 2 values in each row, and has 3 in row 2"),
    ("x,y\n1,a\n", "must have the column 'class', and has x, y"),
    ("x,class\n1,a\n2,\n", "must have a label in each row, and has none in row 2"),
    ("x,class\n1,a\n2,a\n", "must have 2 to 256 classes, not 1"),
    ("x,class\n" + "".join(f"1,{n}\n" for n in range(257)), "must have 2 to 256 classes, not 257"),
    ("x,class\n1,a\n2,a\n3,b\n", "must have two rows of each class at the least, and has one of "
                                 "'b'"),
    ("x,class\n1,a\n2,a\nwide,b\n4,b\n", "must have numbers in the column 'x', and has 'wide' in "
                                         "row 3"),
    ("x,class\n1,a\n2,a\ninf,b\n4,b\n", "must have numbers in the column 'x', and has 'inf' in "
                                        "row 3"),
    ("x,class\n1,a\n1,a\n1,b\n1,b\n", "must have a column that is not the same in all rows"),
    ("x,class\n" + "".join(f"w{n},{'ab'[n % 2]}\n" for n in range(200)),
     "must have at most 64 different words in a column, and has 160 in 'x': leave the column out"),
    ('x,class\n"1,a\n', "must be a CSV file with a header: unexpected end of data"),
], ids=["empty", "blank", "no rows", "twice", "NUL", "NUL in name", "header again", "long row",
        "no label", "missing label", "one class", "257 classes", "one row", "word", "infinite",
        "constant", "words", "quote"])
def test_what_is_no_table_is_refused(tmp_path, text, said):
    path = made(tmp_path, text)
    with pytest.raises(DataError) as refused:
        found = table.read(path, "class")
        train, _ = table.divide(found, 0)
        table.fit(found, train, "class", 8)
    assert str(refused.value) == f"{path} {said}"


def test_a_table_of_more_bits_than_a_layer_takes_is_refused(tmp_path):
    names, rows = tuple(map(str, range(258))), [[str(row)] * 258 for row in range(256)]
    found = table.Table(tmp_path, names, rows, ["a", "b"] * 128)
    assert table.fit(found, np.arange(256), "class", 254).n_bits == 258 * 254
    with pytest.raises(DataError) as refused:
        table.fit(found, np.arange(256), "class", 255)
    assert str(refused.value) == (f"{tmp_path} must become at most 65,535 bits, not "
                                  f"{258 * 255:,}: ask for fewer levels, or leave columns out")


@pytest.mark.parametrize("text, said", [
    ("x,class\n1,a\n", "must have the column 'width', and has x"),
    ("width,kind,class\n1,wood,c\n", "must have classes that the run knows, and has 'c' in row 1"),
    ("width,kind,class\nwide,wood,a\n", "must have numbers in the column 'width', and has 'wide' "
                                        "in row 1")], ids=["column", "class", "word"])
def test_rows_of_another_table_are_refused(tmp_path, text, said):
    _, encoding = fitted(made(tmp_path))
    other = table.read(made(tmp_path, text), "class")
    with pytest.raises(DataError) as refused:
        encoding.encode(other)
        encoding.targets(other)
    assert str(refused.value) == f"{other.path} {said}"


@pytest.mark.parametrize("change", [{"format": "x"}, {"classes": 5}, {"columns": [1]}, {"also": 1}])
def test_a_damaged_encoding_is_refused(tmp_path, change):
    _, encoding = fitted(made(tmp_path))
    path = tmp_path / "encoding.json"
    encoding.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match="is not the encoding of a table"):
        Encoding.load(path)
