"""Program `bvas`: the verbs, and the one place that runs them and returns an exit code.

Nothing heavy is imported for --help.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from bvas import __version__

# A verb of two words is a group and its verb; its module has `build_parser(prog)` and `run(args) -> exit code`.
VERBS = {
    "demo": ("bvas.commands.demo", "a league of synthetic matches: make, train, predict, score, report"),
    "spot": ("bvas.commands.spot", "find the actions in your own video"),
    "train": ("bvas.commands.train", "train an experiment on the folds of a data root"),
    "predict": (
        "bvas.commands.predict",
        "predict the held-out matches of each fold, the challenge, or what a manifest lists",
    ),
    "evaluate": ("bvas.commands.evaluate", "score an experiment's predictions"),
    "experiment run": (
        "bvas.commands.experiment_run",
        "train, predict and score stages that build on each other",
    ),
    "experiment preview": (
        "bvas.commands.experiment_preview",
        "pictures of training clips, targets and augmentation",
    ),
    "experiment tune": (
        "bvas.commands.experiment_tune",
        "smoothing, distances and operating points from out-of-fold curves",
    ),
    "experiment ensemble": (
        "bvas.commands.experiment_ensemble",
        "the mean of several experiments' curves, or of the best of them",
    ),
    "experiment submit": ("bvas.commands.experiment_submit", "the challenge's zip, read back and checked"),
    "experiment suspects": (
        "bvas.commands.experiment_suspects",
        "annotations that look like mistakes, ranked",
    ),
    "report": ("bvas.commands.report", "a page to look at spots on the video, and to correct them"),
    "doctor": ("bvas.commands.doctor", "checks of this machine, with a remedy for each problem"),
    "video check": ("bvas.commands.video_check", "properties of a video file, and decoders that read it"),
    "video prepare": ("bvas.commands.video_prepare", "make copies that are fast to read anywhere"),
    "data synth": ("bvas.commands.data_synth", "make synthetic matches in SoccerNet's layout"),
    "data check": ("bvas.commands.data_check", "faults and contents of a data root"),
    "data import": (
        "bvas.commands.data_import",
        "make a dataset.json from SoccerNet, E2E-Spot, CSV files or corrections",
    ),
    "data download": ("bvas.commands.data_download", "download SoccerNet's videos and labels"),
    "spots export": ("bvas.commands.spots_export", "spots as tables, subtitles, edit lists, instances"),
    "spots overlay": (
        "bvas.commands.spots_overlay",
        "spots, annotations and score curves drawn on their video",
    ),
    "spots pictures": (
        "bvas.commands.spots_pictures",
        "timelines, curves and the worst errors, drawn against labels",
    ),
    "spots score": ("bvas.commands.spots_score", "score predictions of any system against labels"),
    "weights download": (
        "bvas.commands.weights_download",
        "published weights, downloaded and imported by name",
    ),
    "weights import": ("bvas.commands.weights_import", "take in weights of the reference system"),
    "weights export": (
        "bvas.commands.weights_export",
        "write a trained model as ONNX files, with a model card",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, 2 wrong input or use, 3 done in part, 130 interrupted. What argparse refuses raises `SystemExit(2)`; our
    own failures raise, and Python exits with 1.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):
        print(f"bvas {__version__}")
        return 0
    if not words or words[0] in ("-h", "--help"):
        print(_overview(list(VERBS)))
        return 0 if words else 2
    for size in (2, 1):
        verb = " ".join(words[:size])
        if verb in VERBS and len(words) >= size:
            from bvas.commands.console import run_command

            module = import_module(VERBS[verb][0])
            return run_command(module.build_parser(f"bvas {verb}"), module.run, words[size:])
    group = [verb for verb in VERBS if verb.split()[0] == words[0]]
    if group and len(words) > 1 and words[1] in ("-h", "--help"):
        print(_overview(group))
        return 0
    known = ", ".join(group or VERBS)
    from bvas.errors import redacted

    print(f"bvas: unknown command {redacted(' '.join(words[:2]))!r}; known are {known}", file=sys.stderr)
    return 2


def _overview(verbs: Sequence[str]) -> str:
    lines = [f"  bvas {verb:<20} {VERBS[verb][1]}" for verb in verbs]
    return "\n".join(
        [
            "usage: bvas COMMAND [options]    (bvas COMMAND --help lists the options of a command)",
            "",
            *lines,
            "",
            "Exit codes: 0 done, 1 our own failure, 2 wrong input or use, 3 done in part, 130 interrupted.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
