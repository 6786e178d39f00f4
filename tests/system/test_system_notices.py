from bvas.system.notices import MOST_FILES, warn_once


def test_a_remark_that_thousands_of_files_share_is_logged_for_the_first_ten(caplog):
    for number in range(3 * MOST_FILES):
        warn_once(f"notices/{number}.avi", "has no matrix", kind="no matrix")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:MOST_FILES] == [f"notices/{number}.avi: has no matrix" for number in range(10)]
    assert lines[MOST_FILES:] == ["further files like it are not named: no matrix"]


def test_remarks_without_a_kind_are_logged_once_for_each_file(caplog):
    for number in (*range(15), *range(15)):
        warn_once(f"notices/{number}.mkv", "is turned")
    assert len(caplog.records) == 15
