import pytest

from bvas.errors import DataError
from bvas.system.table_files import read_table
from bvas.system.text_files import MAX_DEPTH, parse_json, read_json, read_text, text_lines
from bvas.values.plural import count_text

SPOTS = ("seconds", "label", "confidence")


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_json(path)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_in_utf_8_and_in_what_has_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes('{"Höhe": "シュート"}'.encode(encoding))
    assert read_json(tmp_path / "a.json") == {"Höhe": "シュート"}


def test_a_byte_that_is_not_utf_8_is_named_with_its_place_and_likely_origin(tmp_path):
    (tmp_path / "a.csv").write_bytes("label\nSchuß\nHöhe\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv, line 2, column 5 is not UTF-8: byte 0xDF .*'Schuß"):
        read_text(tmp_path / "a.csv")


def test_a_zero_byte_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntw\0o\n")
    with pytest.raises(DataError, match=r"a\.txt, line 2, column 3 holds a zero byte"):
        read_text(tmp_path / "a.txt")


def test_lines_end_as_on_any_system_and_nowhere_else():
    assert text_lines("a\r\nb\rc\u2028d\n") == ["a", "b", "c\u2028d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "b": }', "is not JSON: line 2, column 7"),
        ("", "is empty, and not JSON"),
        ('{"a": 1,\n "b": {"a": 2},\n "a": 3}', "line 3, column 2: the key 'a' stands twice"),
        ("[" * 200_000, f"more than {MAX_DEPTH} deep"),
        ("[" * 500 + "]" * 500, f"more than {MAX_DEPTH} deep"),
        ('["\\ud83d"]', "holds half of a character"),
        ('["a\\u0000b"]', "holds a zero byte"),
    ],
)
def test_what_is_wrong_with_json_is_one_clear_line(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    assert message in refusal(tmp_path / "a.json")


def test_numbers_of_any_size_are_read():
    # As times in nanoseconds are, which no float64 holds.
    ends = [1796031443635941643, 2**63 - 1, -(2**63)]
    assert list(map(str, parse_json(str(ends), "a"))) == list(map(str, ends))
    assert list(map(type, parse_json(f"[{2**63}, {-(2**63) - 1}]", "a"))) == [float, float]
    assert parse_json(f"[1{'0' * 25}, {'9' * 5000}]", "a") == [1e25, float("inf")]


@pytest.mark.parametrize(
    "text",
    [
        "seconds,label,confidence\n0.5,PASS,0.9\n1.5,DRIVE,0.8\n",
        "seconds;label;confidence\n0,5;PASS;0,9\n1,5;DRIVE;0,8\n",
        'seconds,label,confidence\n"0,5",PASS,"0,9"\n"1,5",DRIVE,"0,8"\n',
        " Seconds \tLABEL\tConfidence\t\r\n0.5\tPASS\t0.9\t\r\n\t\t\t\r\n1.5\tDRIVE\t0.8\r\n",
        "sep=;\nlabel;confidence;seconds;note\nPASS;0,9;0,5;\nDRIVE;0,8;1,5;late\n",
        '"label", "seconds", "confidence"\r"PASS", "0.5", "0.9"\r"DRIVE", "1.5", "0.8"\r',
    ],
    ids=[
        "commas",
        "german",
        "quoted decimal commas",
        "tabs and capitals",
        "Excel's first line",
        "spaces and CR",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path, text, encoding):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "a.csv", SPOTS, numbers=("seconds", "confidence"))
    rows = [
        (row.text("label"), *(table.number(row, n) for n in ("seconds", "confidence"))) for row in table.rows
    ]
    assert rows == [("PASS", 0.5, 0.9), ("DRIVE", 1.5, 0.8)]


def test_a_cell_in_quotes_may_hold_a_line_break_and_lines_are_counted_by_the_file(tmp_path):
    (tmp_path / "a.csv").write_text('seconds,label\n1,"HIGH\nPASS"\n2,DRIVE\n')
    rows = read_table(tmp_path / "a.csv", SPOTS).rows
    assert [(row.line, row.cells["label"]) for row in rows] == [(2, "HIGH\nPASS"), (4, "DRIVE")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seconds,label\n1,5,PASS\n", r"line 2 has 3 cells.* 2 columns \(a decimal comma\?"),
        ("seconds;label\n1,5;PASS\n2.5;PASS\n", r"line 2: seconds is '1,5', and line 3 has '2.5'"),
        (
            'seconds,label\n"1,500",PASS\n',
            r"line 2: seconds is '1,500', which may be a decimal or a thousand",
        ),
        ("seconds,label,Seconds\n1,PASS,1\n", r"line 1: the column 'seconds' stands twice"),
        ('seconds,label\n1,"PASS\n', r"line 2: .*fix the quotes"),
    ],
)
def test_a_table_that_can_be_read_in_two_ways_is_refused_with_the_line(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "a.csv", SPOTS, numbers=("seconds",))


@pytest.mark.parametrize("number", ["nan", "1_000", "٣", "1e999", "", "1.2.3"])
def test_what_is_not_a_finite_number_is_named_with_line_and_column(tmp_path, number):
    (tmp_path / "a.csv").write_text(f"seconds,label\n{number},PASS\n")
    table = read_table(tmp_path / "a.csv", SPOTS, numbers=("seconds",))
    with pytest.raises(DataError, match=r"a\.csv, line 2: seconds is .* must be a finite number"):
        table.number(table.rows[0], "seconds")


def test_counted_nouns_agree_with_their_number():
    texts = [
        count_text(n, noun) for n, noun in ((1, "label"), (0, "label"), (2, "labelled half"), (1, "match"))
    ]
    assert texts == ["1 label", "0 labels", "2 labelled halves", "1 match"]
