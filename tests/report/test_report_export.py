import csv

import pytest

from bvas.errors import DataError
from bvas.report.spots_csv import SpotRow, write_spots_csv
from bvas.values.annotations import Spot


def test_a_line_holds_seconds_clock_label_confidence_file_and_frame(tmp_path):
    row = SpotRow(spot=Spot("HIGH PASS", 70.04, 0.91234), clock="46:00", file="2_720p.mkv", frame=1751)

    write_spots_csv(tmp_path / "new" / "spots.csv", [row])

    text = (tmp_path / "new" / "spots.csv").read_text()
    assert text == (
        "seconds,clock,label,confidence,file,frame\n70.040,46:00,HIGH PASS,0.9123,2_720p.mkv,1751\n"
    )


def test_names_with_commas_and_quotes_come_back_whole(tmp_path):
    name = 'Leeds, "home" & ä 1.mkv'
    row = SpotRow(spot=Spot("PASS", 1.0, 0.5), clock="00:01", file=name, frame=25)

    write_spots_csv(tmp_path / "spots.csv", [row])

    with (tmp_path / "spots.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert line["file"] == name


def test_without_spots_the_column_names_stay(tmp_path):
    write_spots_csv(tmp_path / "spots.csv", [])
    assert (tmp_path / "spots.csv").read_text() == "seconds,clock,label,confidence,file,frame\n"


def test_a_table_takes_the_place_of_an_older_one(tmp_path):
    (tmp_path / "spots.csv").write_text("old")
    write_spots_csv(tmp_path / "spots.csv", [])
    assert (tmp_path / "spots.csv").read_text().startswith("seconds")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "spots.csv").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*spots\.csv"):
        write_spots_csv(tmp_path / "spots.csv", [])
    assert [path.name for path in tmp_path.iterdir()] == ["spots.csv"]
