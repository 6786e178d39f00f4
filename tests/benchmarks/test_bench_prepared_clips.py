import json
import sys

import pytest
from bench_prepared_clips import ORIGINAL, PREPARED, main


@pytest.mark.slow
def test_an_epoch_of_originals_and_one_of_prepared_copies_are_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench", "--tiny", "--json", str(tmp_path / "out.json")])
    main()
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["is_complete"]
    assert [row["case"] for row in content["rows"]] == [ORIGINAL, PREPARED]
    assert all(row["clips_per_second"]["median"] > 0 for row in content["rows"])
