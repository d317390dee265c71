"""Files to tables: every format reads the same numbers, every fault is named."""

from __future__ import annotations

import gzip

import numpy as np
import polars
import pytest
import scipy.sparse

import alphaomega as ao
from alphaomega.datasets import FORMATS, DataError, read
from alphaomega.study.columns import prepared

FRAME = polars.DataFrame(
    {"size": [1.5, 2.0, -3.25], "rooms": [3, 4, 5], "colour": ["red", "blue, dark", "red"], "price": [10.0, None, 1e-3]}
)


def write(tmp_path, name, text):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def written(tmp_path, ending):
    """FRAME in a file of each kind of table."""
    file = tmp_path / f"houses{ending}"
    if ending in (".parquet",):
        FRAME.write_parquet(file)
    elif ending in (".feather", ".arrow", ".ipc"):
        FRAME.write_ipc(file)
    elif ending in (".tsv", ".tab"):
        FRAME.write_csv(file, separator="\t")
    else:
        FRAME.write_csv(file)
    return file


@pytest.mark.parametrize(
    "ending", [ending for ending in FORMATS if ending not in (".libsvm", ".svmlight", ".svm", ".npz")]
)
def test_every_table_format_reads_the_same_cells(tmp_path, ending):
    table = read(written(tmp_path, ending))
    assert table.frame.equals(FRAME)
    assert table.name == f"houses{ending}"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, separator):
    text = FRAME.write_csv(separator=separator)
    assert read(write(tmp_path, "a.csv", text)).frame.equals(FRAME)


def test_gzipped_text_is_unpacked(tmp_path):
    file = write(tmp_path, "a.csv.gz", gzip.compress(FRAME.write_csv().encode()))
    assert read(file).frame.equals(FRAME)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("name,y\nJosé,1\nÅsa,2\n".encode(), id="utf-8"),
        pytest.param("name,y\nJosé,1\nÅsa,2\n".encode("utf-8-sig"), id="byte order mark"),
        pytest.param("name,y\nJosé,1\nÅsa,2\n".encode("utf-16"), id="utf-16"),
        pytest.param("name,y\nJosé,1\nÅsa,2\n".encode("latin-1"), id="latin-1"),
        pytest.param("name,y\r\nJosé,1\r\nÅsa,2\r\n".encode(), id="carriage returns"),
        pytest.param("\ufeffname,y\n\nJosé,1\n\nÅsa,2\n\n\n".encode(), id="blank lines"),
        pytest.param("name , y\nJosé, 1\n Åsa , 2".encode(), id="spaces, no last newline"),
    ],
)
def test_encodings_and_line_ends(tmp_path, encoded):
    frame = read(write(tmp_path, "a.csv", encoded)).frame
    assert frame.columns == ["name", "y"]
    assert frame.rows() == [("José", 1), ("Åsa", 2)]


def test_missing_cells_however_they_are_written(tmp_path):
    frame = read(write(tmp_path, "a.csv", 'x,y\n1.5,1\nNA,2\nnan,3\n?,4\n"",5\n,6\nNULL,7\n')).frame
    assert frame["x"].to_list() == [1.5] + 6 * [None]


def test_codes_with_leading_zeros_stay_words(tmp_path):
    frame = read(write(tmp_path, "a.csv", "zip,x\n01234,0.5\n90210,0\n")).frame
    assert frame["zip"].to_list() == ["01234", "90210"]
    assert frame["x"].to_list() == [0.5, 0.0]


def test_semicolons_allow_decimal_commas(tmp_path):
    frame = read(write(tmp_path, "a.csv", "x;y\n1,5;2\n-0,25;3\n")).frame
    assert frame["x"].to_list() == [1.5, -0.25]


DRESSED = {
    "thousands": ('x,y\n"1,234",1\n"12,345,678.5",2\n17,3\n', [1234, 12345678.5, 17], "separators of thousands: x"),
    "decimal commas in quotes": ('x,y\n"1,5",1\n"-0,25",2\n', [1.5, -0.25], "decimal points: x"),
    "dots between thousands": ("x;y\n1.234,5;1\n800;2\n", [1234.5, 800], "decimal points: x"),
    "dots alone between thousands": ("x;y\n1.234.567;1\n800;2\n", [1234567, 800], "dots read as separators"),
    "three decimals behind a comma": ("x;y\n1,234;1\n0,5;2\n", [1.234, 0.5], "decimal points: x"),
    "spaces between thousands": ("x;y\n1 234 567,5;1\n800;2\n", [1234567.5, 800], "spaces or apostrophes"),
    "apostrophes between thousands": ("x,y\n1'234.5,1\n800,2\n", [1234.5, 800], "spaces or apostrophes"),
    "money": ('x,y\n"$1,234.50",1\n$7,2\n', [1234.5, 7], "signs of currency"),
    "percent": ("x,y\n12.5%,1\n7 %,2\n", [12.5, 7], "signs of currency or percent"),
    "markers": ("x,y\n1.5,1\n-,2\nunknown,3\n#DIV/0!,4\n2.5,5\n", [1.5, None, None, None, 2.5], "'-', 'unknown'"),
}


@pytest.mark.parametrize("case", DRESSED)
def test_numbers_in_other_dress_are_read_and_noted(tmp_path, case):
    text, expected, note = DRESSED[case]
    table = read(write(tmp_path, "a.csv", text))
    assert table.frame["x"].to_list() == expected
    assert any(note in told for told in table.notes), table.notes


def test_dots_are_no_points_where_another_column_has_decimal_commas(tmp_path):
    table = read(write(tmp_path, "a.csv", "people;share;rate\n1.200;0,5;1.25\n800;0,75;2.5\n"))
    assert table.frame.rows() == [(1200, 0.5, 1.25), (800, 0.75, 2.5)]
    assert "dots read as separators of thousands: people" in table.notes


@pytest.mark.parametrize(
    ("cells", "day"),
    [
        (["2024-01-31", "2024-02-01"], 19753),
        (["2024/01/31", "2024/2/1"], 19753),
        (["31.01.2024", "1.2.2024"], 19753),
        (["2024-01-31T06:00", "2024-02-01 12:30:00"], 19753.25),
    ],
)
def test_dates_of_one_reading_are_dates(tmp_path, cells, day):
    """The number of days since 1970-01-01 is what a fit sees."""
    frame = read(write(tmp_path, "a.csv", "d,y\n" + "".join(f"{cell},1\n" for cell in [*cells, ""]))).frame
    assert frame["d"].dtype.is_temporal() and frame["d"].null_count() == 1
    assert prepared(frame)["d"][0] == day


@pytest.mark.parametrize("cells", [["31/01/2024", "1/2/2024"], ["2024-13-01", "2024-02-01"], ["10.0.0.1", "10.0.0.2"]])
def test_what_may_be_no_date_stays_words(tmp_path, cells):
    frame = read(write(tmp_path, "a.csv", "d,y\n" + "".join(f"{cell},1\n" for cell in cells))).frame
    assert frame["d"].to_list() == cells


def test_markers_of_missing_numbers_may_be_levels_of_words(tmp_path):
    table = read(write(tmp_path, "a.csv", "x,y\nunknown,1\nred,2\n-,3\n"))
    assert table.frame["x"].to_list() == ["unknown", "red", "-"]
    assert not table.notes


def test_text_of_windows_is_read(tmp_path):
    table = read(write(tmp_path, "a.csv", "Preis €;Größe\n3;1\n4;2\n".encode("cp1252")))
    assert table.frame.columns == ["Preis €", "Größe"]
    assert "Windows-1252" in table.notes[0]


def test_a_file_without_names_is_noticed(tmp_path):
    table = read(write(tmp_path, "a.csv", "5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n"))
    assert table.frame.columns == ["column_1", "column_2", "column_3"]
    assert table.frame.height == 3
    assert "names" in table.notes[0]


def test_numbered_columns_are_names(tmp_path):
    assert read(write(tmp_path, "a.csv", "0,1\n5.1,3.5\n4.9,3.0\n")).frame.rows() == [(5.1, 3.5), (4.9, 3.0)]


def test_newlines_inside_quotes_keep_line_numbers_right(tmp_path):
    table = read(write(tmp_path, "a.csv", 'x,note\n1,"two\nlines"\n2,b\n3,c\n'))
    assert table.frame["note"].to_list() == ["two\nlines", "b", "c"]
    assert table.where(1) == "line 4"


FAULTS = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "names only": ("a,b\n", "no rows"),
    "long row": ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 cells, the first line has 2"),
    "short row": ("a,b,c\n1,2,3\n4,5\n", "line 3 has 2 cells, the first line has 3"),
    "ragged behind a blank line": ("a,b\n\n1,2\n3\n", "line 4 has 1 cell, the first line has 2"),
    "two columns of one name": ("a,b,a\n1,2,3\n", "two columns called 'a' (columns 1 and 3)"),
    "a word among numbers": ("a,b\n" + "1.5,2\n" * 9 + "abc,2\n", "column 'a', line 11: 'abc' is not a number"),
    "decimal commas and points": ('a,b\n"1,5",2\n2.5,3\n' + "7.5,1\n" * 9, "column 'a', line 2: '1,5' is not a number"),
    "an enormous cell": ("a,b\n" + "1,2\n" * 9 + "x" * 200_000 + ",3\n", "xxx'... (200,000 letters) is not a number"),
    "an enormous name": ("x" * 200_000 + ",b\n" + "1,2\n" * 9, "longer than 100,000 letters"),
    "an open quote": ('a,b\n"1,2\n' + "3,4\n" * 9, "column 'a', line 2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_in_text_are_named_by_line_and_column(tmp_path, fault):
    text, message = FAULTS[fault]
    with pytest.raises(DataError) as caught:
        read(write(tmp_path, "a.csv", text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "ending", [ending for ending in FORMATS if ending not in (".csv", ".txt", ".data", ".tsv", ".tab")]
)
@pytest.mark.parametrize("content", ["this is none of that\n", "PK\x03\x04xx", "PAR1xxxx"])
def test_damaged_files_are_refused(tmp_path, ending, content):
    with pytest.raises(DataError, match=f"a{ending}"):
        read(write(tmp_path, f"a{ending}", content))


def test_spreadsheets_and_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(DataError, match="save the sheet as CSV"):
        read(write(tmp_path, "a.xlsx", "PK\x03\x04"))
    with pytest.raises(DataError, match="is no text"):
        read(write(tmp_path, "a.csv", b"\x89PNG\r\n\x00\x00"))


def test_damaged_gzip_is_refused(tmp_path):
    whole = gzip.compress(FRAME.write_csv().encode())
    with pytest.raises(DataError, match="damaged"):
        read(write(tmp_path, "a.csv.gz", whole[: len(whole) // 2]))


def test_what_is_no_file(tmp_path):
    with pytest.raises(DataError, match="no file"):
        read(tmp_path / "missing.csv")
    with pytest.raises(DataError, match="folder"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"unknown; known are \.csv"):
        read(write(tmp_path, "a.docx", "x"))


def test_libsvm(tmp_path):
    table = read(write(tmp_path, "a.libsvm", "+1 1:0.5 3:2\n-1 2:1.5\n"))
    assert table.matrix.toarray().tolist() == [[0.5, 0, 2], [0, 1.5, 0]]
    assert table.y.tolist() == [1, -1]
    with pytest.raises(DataError, match=r"b\.libsvm, line 2"):
        read(write(tmp_path, "b.libsvm", "+1 1:0.5\n-1 2;1.5\n"))


def test_npz(tmp_path):
    X, y = np.arange(12.0).reshape(2, 3, 2), np.array([1, 0])
    np.savez(tmp_path / "dense.npz", X=X, y=y)
    table = read(tmp_path / "dense.npz")
    assert table.frame.to_numpy().tolist() == [[0, 1, 2, 3, 4, 5, 1], [6, 7, 8, 9, 10, 11, 0]]
    assert table.target == "y"
    sparse = scipy.sparse.csr_array(X.reshape(2, 6))
    np.savez(
        tmp_path / "sparse.npz", data=sparse.data, indices=sparse.indices, indptr=sparse.indptr, shape=sparse.shape, y=y
    )
    assert (read(tmp_path / "sparse.npz").matrix != sparse).nnz == 0
    np.savez(tmp_path / "half.npz", X=X)
    with pytest.raises(DataError, match="a target y"):
        read(tmp_path / "half.npz")
    np.savez(tmp_path / "objects.npz", X=np.array([{}, {}], dtype=object), y=y)
    with pytest.raises(DataError, match="Python objects"):
        read(tmp_path / "objects.npz")


@pytest.mark.parametrize("name", ao.datasets.names())
def test_bundled_data_are_whole(name):
    table = ao.datasets.load(name)
    assert table.frame.null_count().sum_horizontal()[0] == 0
    assert table.target == table.frame.columns[-1]
    assert table.description


def test_an_unknown_name_lists_the_known():
    with pytest.raises(DataError, match=r"'prostata'.*diabetes"):
        ao.datasets.load("prostata")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ames/ames_raw.csv.gz", (2930, 82)),
        ("leukemia/golub_72x7129.csv.gz", (72, 7132)),
        ("text_sms/sms.tsv", (5574, 2)),
        ("mice/Data_Cortex_Nuclear.csv", (1080, 82)),
        ("california_housing/cal_housing.data", (20640, 9)),
    ],
)
def test_real_files(shared_data, name, shape):
    assert read(shared_data(name)).shape == shape
