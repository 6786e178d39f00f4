import argparse
import subprocess
import sys
import time

import pytest

from bvas.cli import VERBS, main
from bvas.commands.console import DONE_IN_PART, INTERRUPTED, OK, WRONG_INPUT, run_command
from bvas.commands.option_values import parse_size, parse_time, parse_workers
from bvas.errors import ConfigError, DataError
from bvas.values.units import bytes_text, duration_text


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == OK
    out = capsys.readouterr().out
    for verb in VERBS:
        assert f"bvas {verb}" in out


def test_help_answers_in_under_half_a_second():
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bvas", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_a_help_that_loads_no_torch(verb):
    code = (
        "import sys; from bvas.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert 'torch' not in sys.modules and 'kornia' not in sys.modules"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, *verb.split(), "--help"], check=True, capture_output=True, text=True
    )
    assert f"usage: bvas {verb}" in out.stdout


@pytest.mark.parametrize("module", ["train", "predict", "evaluate"])
def test_modules_run_like_the_verbs(module):
    out = subprocess.run(
        [sys.executable, "-m", f"bvas.{module}", "--help"], check=True, capture_output=True, text=True
    )
    assert "--experiment NAME" in out.stdout


def test_an_unknown_command_names_those_there_are(capsys):
    assert main(["spott"]) == WRONG_INPUT
    assert "unknown command 'spott'; known are demo, spot" in capsys.readouterr().err
    assert main(["data", "fetch"]) == WRONG_INPUT
    assert "known are data synth, data check, data import, data download" in capsys.readouterr().err


def test_a_group_lists_its_verbs(capsys):
    assert main(["data", "--help"]) == OK
    out = capsys.readouterr().out
    assert "data synth" in out
    assert "weights" not in out


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == OK
    assert capsys.readouterr().out.startswith("bvas 0.")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (DataError("no file x"), WRONG_INPUT),
        (KeyboardInterrupt(), INTERRUPTED),
        (OSError(28, "No space left on device", "y"), WRONG_INPUT),
    ],
)
def test_what_users_did_wrong_is_one_line_and_a_code(capsys, raised, code):
    def run(args):
        raise raised

    assert run_command(argparse.ArgumentParser(prog="bvas x"), run, []) == code
    err = capsys.readouterr().err
    assert err.startswith("bvas x: ")
    assert "Traceback" not in err


def test_output_that_nobody_reads_to_its_end_is_no_failure():
    code = (
        "import argparse\nfrom bvas.commands.console import run_command\n"
        "def run(args):\n    for number in range(100_000): print(number)\n    return 0\n"
        "raise SystemExit(run_command(argparse.ArgumentParser(), run, []))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == OK


def test_the_traceback_of_our_own_failure_shows_no_secret():
    code = (
        "import argparse, sys\nfrom bvas.commands.console import run_command\n"
        "def run(args):\n"
        "    try: raise ValueError('no http://us3r:Pa55@h/x?token=T0k3n')\n"
        "    except ValueError as error:\n"
        "        error.add_note('for rtsp://us3r:Pa55@h/y')\n"
        "        raise ZeroDivisionError('of http://h/z?sig=S1gn') from error\n"
        "run_command(argparse.ArgumentParser(), run, [])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("ZeroDivisionError: of http://h/z?sig=***\n")
    assert "for rtsp://h/y" in done.stderr
    assert [secret for secret in ("us3r", "Pa55", "T0k3n", "S1gn") if secret in done.stderr] == []


def test_our_own_failures_keep_their_traceback():
    def run(args):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_command(argparse.ArgumentParser(), run, [])


def test_a_command_may_be_done_in_part():
    assert run_command(argparse.ArgumentParser(), lambda args: DONE_IN_PART, []) == DONE_IN_PART


def test_times_are_read_as_people_write_them():
    assert [parse_time(text) for text in ("90", "1:30", "1:02:03.5")] == [90.0, 90.0, 3723.5]
    for wrong in ("", "1:2:3:4", "-3", "soon"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a time"):
            parse_time(wrong)


def test_sizes_are_height_by_width():
    assert parse_size("224x400") == (224, 400)
    with pytest.raises(argparse.ArgumentTypeError, match="is not a size"):
        parse_size("224")


def test_worker_mixes_are_read():
    assert parse_workers("auto") == "auto"
    assert parse_workers("0") == {}
    assert parse_workers("2") == {"pyav": 2}
    assert parse_workers("nvdec=3,opencv=1") == {"nvdec": 3, "opencv": 1}
    with pytest.raises(ConfigError, match="nvdec=3,opencv=1; got 'cuda=2'"):
        parse_workers("cuda=2")


def test_durations_are_for_people():
    assert [duration_text(s) for s in (0.2, 45, 720, 7500)] == ["1 s", "45 s", "12 min", "2 h 05 min"]


def test_sizes_of_files_are_for_people():
    assert [bytes_text(n) for n in (512, 640_000, 12_500_000, 1_900_000_000)] == [
        "1 kB",
        "640 kB",
        "12.5 MB",
        "1.9 GB",
    ]
