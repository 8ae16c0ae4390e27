"""Tables in NPZ and Parquet files: what is read of them, and what is refused."""

import io
import struct
import zipfile

import numpy as np
import pytest

from sw.images import table
from sw.images.names import DataError
from tests.line import within


def test_an_npz_file_is_the_table_that_its_columns_make(tmp_path):
    x = np.array([[0.1, 2], [np.nan, 4], [5, 6]], np.float32)
    np.savez_compressed(tmp_path / "t.npz", kind=np.array([" iron", "", "wood"]),
                        x=np.asfortranarray(x), on=np.array([True, False, True]),
                        n=np.array([3, 2, 1], np.uint8), y=np.array(["a", "b", "a"]))
    found = table.read(tmp_path / "t.npz", "y")
    assert found.names == ("kind", "x.0", "x.1", "on", "n") and found.labels == ["a", "b", "a"]
    assert found.rows == [["iron", repr(float(np.float32(0.1))), "2.0", "1", "3"],
                          ["", "nan", "4.0", "0", "2"], ["wood", "5.0", "6.0", "1", "1"]]


def test_a_csv_file_of_the_same_values_becomes_the_same_bits(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "t.npz", x=x, y=np.arange(40) % 2)
    lines = [",".join([*map(repr, row), str(number % 2)]) for number, row in enumerate(x.tolist())]
    (tmp_path / "t.csv").write_text("\n".join(["x.0,x.1,x.2,y", *lines]))
    npz, csv = (table.read(tmp_path / f"t.{suffix}", "y") for suffix in ("npz", "csv"))
    encoding = table.fit(npz, np.arange(30), "y", 8)
    assert np.array_equal(encoding.encode(npz), encoding.encode(csv))
    assert npz.fingerprint == csv.fingerprint


def packed(content, how=zipfile.ZIP_DEFLATED):
    """Return an archive with one array of these bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        archive.writestr("x.npy", content)
    return file.getvalue()


def array(header, content=b"", version=b"\1\0"):
    text = header.encode().ljust(118) + b"\n"
    return packed(b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + content)


def saved(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


STRANGE = "must be an NPZ file of columns: the header of an array must be one that numpy writes: "
UNICODE = "must be an NPZ file of columns: text must be Unicode, without halves of pairs"
TEXT = "{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}"
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"


@pytest.mark.parametrize("content, said", [
    (b"", "must be an NPZ file of columns: File is not a zip file"),
    (b"a,b\n1,2\n", "must be an NPZ file of columns: File is not a zip file"),
    (saved(), "must have columns of one length, not of none"),
    (saved(x=np.zeros(3), y=np.zeros(2)), "must have columns of one length, not of 2, 3"),
    (saved(x=np.zeros((2, 2, 2))), "must be an NPZ file of columns: an array must be a column or "
                                   "several, and 'x' has 3 dimensions"),
    (saved(x=np.float64(3)), "must be an NPZ file of columns: an array must be a column or "
                             "several, and 'x' has 0 dimensions"),
    (saved(x=np.array([{}], object)), "must be an NPZ file of columns: arrays must be of numbers "
                                      "or text, not object"),
    (saved(x=np.zeros(2, complex)), "must be an NPZ file of columns: arrays must be of numbers or "
                                    "text, not complex128"),
    (array(HUGE, bytes(8)), "must be an NPZ file of columns: an array of 1000000000000 must have "
                            "8,000,000,000,000 bytes, not 8"),
    (array(HUGE, version=b"\3\0"), "must be an NPZ file of columns: arrays must be of version 1.0 "
                                   "or 2.0, not (3, 0)"),
    (array("os.system('x')"), "must be an NPZ file of columns: "),
    (packed(b"\x93NUM"), "must be an NPZ file of columns: "),
    (packed(b"", zipfile.ZIP_LZMA), "must be an NPZ file of columns: 'x.npy' must be stored or "
                                    "deflated: write it with numpy"),
    (packed(b"", zipfile.ZIP_BZIP2), "must be an NPZ file of columns: 'x.npy' must be stored or "
                                     "deflated: write it with numpy"),
    (array("(" * 3000), STRANGE), (array("-" * 8000 + "1"), STRANGE),
    (array(TEXT, b"\0\xd8\0\0"), UNICODE), (array(TEXT, b"\0\0\x11\0"), UNICODE),
    (array("{'descr': (), 'fortran_order': False, 'shape': ()}"), f"{STRANGE}IndexError"),
], ids=["empty", "text", "none", "lengths", "3-D", "0-D", "objects", "complex", "huge", "version",
        "program", "cut", "LZMA", "bzip2", "brackets", "signs", "surrogate",
        "beyond", "type"])
def test_what_is_no_npz_file_is_refused(tmp_path, content, said):
    path = tmp_path / "t.npz"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        table.read(path, None)
    assert str(refused.value).startswith(f"{path} {said}")


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "t.npz").write_bytes(saved(**{"x": np.zeros((3, 2)), "x.0": np.ones(3)}))
    with pytest.raises(DataError) as refused:
        table.read(tmp_path / "t.npz", None)
    assert str(refused.value) == (f"{tmp_path / 't.npz'} must have columns of different names, and "
                                  "has two named 'x.0'")


WIDE = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000)}"


@pytest.mark.parametrize("content, said", [
    (array(WIDE), "at most 65,536 columns, not 1,000,000,000,000"),
    (saved(**{f"x{number}": np.zeros((1, 40_000), bool) for number in range(2)}),
     "at most 65,536 columns, not 80,000"),
    (saved(x=np.zeros((1 << 24) + 1, bool), y=np.zeros(1 << 24, bool)),
     "at most 33,554,432 values, not 33,554,433"),
], ids=["columns", "arrays", "values"])
def test_a_table_of_too_much_is_refused_before_it_is_one(tmp_path, content, said):
    (tmp_path / "t.npz").write_bytes(content)
    with within(5), pytest.raises(DataError) as refused:
        table.read(tmp_path / "t.npz", None)
    assert str(refused.value) == (f"{tmp_path / 't.npz'} must be an NPZ file of columns: it must "
                                  f"hold {said}")


def test_a_wide_table_is_checked_in_good_time(tmp_path):
    (tmp_path / "t.csv").write_text(f"{','.join(map(str, range(60_000)))}\n{'1,' * 59_999}1\n")
    with within(5):
        assert len(table.read(tmp_path / "t.csv", None).names) == 60_000


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sw.images.arrays.MAX_BYTES", 9_999)
    (tmp_path / "t.npz").write_bytes(packed(bytes(10_000)))
    with pytest.raises(DataError, match=r"it must hold at most 9,999 bytes, not 10,000$"):
        table.read(tmp_path / "t.npz", None)


def test_a_damaged_npz_file_is_what_it_was_or_refused(tmp_path):
    """Of 300 some are damaged where nobody looks; a column may be lost, but no value is another."""
    path, whole = tmp_path / "t.npz", saved(x=np.arange(50.0), y=np.arange(50))
    columns, n_read = {"x": tuple(f"{row}.0" for row in range(50)),
                       "y": tuple(map(str, range(50)))}, 0
    for seed in range(300):
        rng, content = np.random.default_rng(seed), bytearray(whole)
        for _ in range(3):
            content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        try:
            found = table.read(path, None)
        except DataError as error:
            assert str(error).startswith(f"{path} must ")
        else:
            assert [*zip(*found.rows)] == [columns[name] for name in found.names]
            n_read += 1
    assert 0 < n_read < 300


def test_parquet_files_are_read_where_pyarrow_is(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"x": [0.5, None, 2.0], "on": [True, None, False],
                                       "y": ["a", "b", " a"]}), tmp_path / "t.parquet")
    found = table.read(tmp_path / "t.parquet", "y")
    assert found.rows == [["0.5", "1"], ["", ""], ["2.0", "0"]] and found.labels == ["a", "b", "a"]
    parquet.write_table(pyarrow.table([[1, 2], [3, 4], ["a", "b"]], names=["x", "x", "y"]),
                        tmp_path / "twice.parquet")
    with pytest.raises(DataError, match=r"columns of different names, and has two named 'x'$"):
        table.read(tmp_path / "twice.parquet", "y")
    long = pyarrow.DictionaryArray.from_arrays([0] * 2000, ["z" * 1_000_000])
    parquet.write_table(pyarrow.table({"x": long}), tmp_path / "long.parquet")
    with pytest.raises(DataError, match=r"hold at most 268,435,456 bytes, not 2,000,000,000$"):
        table.read(tmp_path / "long.parquet", None)
    parquet.write_table(pyarrow.table({"x": [[1], [2]]}), tmp_path / "deep.parquet")
    with pytest.raises(DataError, match=r"columns: 'x' must be numbers or text, not list<.*>$"):
        table.read(tmp_path / "deep.parquet", None)
    (tmp_path / "no.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(DataError, match=r"must be a Parquet file of columns: "):
        table.read(tmp_path / "no.parquet", None)
