"""Program `bvas`: the verbs, and the one place that runs them and returns an exit code.

Nothing heavy is imported for --help.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bvas import __version__
from bvas.errors import redacted

# A verb of two words is a group and its verb. The module `bvas.commands.<verb>`, words joined by `_`, describes the
# verb in its docstring, and has `add_options(parser)` and `run(args) -> exit code`, None for 0.
VERBS = {
    "demo": "make synthetic matches, train on them, predict, score, and write a report",
    "spot": "find the actions in your own video",
    "intervals": "find the stretches of your own video in which something is present",
    "classify": "name what short clips show, or every stretch of a long video",
    "players": "find the players of a video, follow each, and name what he does",
    "train": "train an experiment on the folds of a data root",
    "predict": "predict the held-out matches of each fold, the challenge, or what a manifest lists",
    "evaluate": "score an experiment's predictions, or compare experiments",
    "experiment run": "train, predict and score experiments that build on each other",
    "experiment preview": "draw training clips with targets and augmentation",
    "experiment rate": "find a learning rate, and draw the loss over it",
    "experiment tune": "choose smoothing, distances and operating points on out-of-fold curves",
    "experiment ensemble": "average the score curves of several experiments, or of the best of them",
    "experiment submit": "write the challenge's zip, and check it",
    "experiment suspects": "rank annotations that look like mistakes",
    "label": "label points and ranges of videos in a page, or by frame numbers",
    "report": "write a page that shows spots on the video and lets you correct them",
    "cut": "cut intervals or moments out of videos: one file, or a clip for each",
    "doctor": "check this machine, with a remedy for each problem",
    "video check": "print the properties of video files, and the decoders that read them",
    "video prepare": "make copies of videos that are fast to read",
    "video index": "find and keep the frame numbers and times of videos, also in a file beside each",
    "video frames": "write frames of a video as numbered pictures",
    "data synth": "make synthetic matches in SoccerNet's layout",
    "data check": "list the faults and contents of a data root",
    "data import": "make a dataset.json from SoccerNet, E2E-Spot, OSL, Label Studio, FiftyOne, CSV or corrections",
    "data download": "download SoccerNet's videos and labels",
    "spots export": "write spots as tables, subtitles, edit lists, instances or labels",
    "spots overlay": "draw spots, annotations and score curves on their video",
    "spots pictures": "draw timelines, curves and the worst errors, against labels",
    "spots score": "score the predictions of any system against labels",
    "players clips": "cut players' windows out of videos as a data set of clips with classes",
    "players detector": "train a small detector on videos with true boxes",
    "players score": "score tracks of players against true tracks",
    "weights download": "download published weights, and import them by name",
    "weights import": "import weights of the reference system",
    "weights export": "write a trained model as ONNX files, with a model card",
    "weights push": "upload an experiment to the Hugging Face Hub, with a model card",
    "weights pull": "pull an experiment from the Hugging Face Hub",
}
# Verbs that do nothing without the extra `train`, and say so first. Others need it for some of their models only.
NEED_TRAIN = frozenset(
    {"demo", "train", "predict", "intervals", "experiment run", "experiment preview", "experiment rate"}
    | {"players detector", "weights download", "weights import", "weights export", "weights push"}
)


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
            from bvas.system.cpu_cores import wait_passively

            wait_passively()
            module = import_module(f"bvas.commands.{verb.replace(' ', '_')}")
            parser = argparse.ArgumentParser(prog=f"bvas {verb}", description=module.__doc__)
            module.add_options(parser)
            return run_command(parser, module.run, words[size:], needs_train=verb in NEED_TRAIN)
    group = [verb for verb in VERBS if verb.split()[0] == words[0]]
    if group and len(words) > 1 and words[1] in ("-h", "--help"):
        print(_overview(group))
        return 0
    known = ", ".join(group or VERBS)
    print(f"bvas: unknown command {redacted(' '.join(words[:2]))!r}; known are {known}", file=sys.stderr)
    return 2


def _overview(verbs: Sequence[str]) -> str:
    return "\n".join(
        [
            "usage: bvas COMMAND [options]    (bvas COMMAND --help lists the options of a command)",
            "",
            *(f"  bvas {verb:<20} {VERBS[verb]}" for verb in verbs),
            "",
            "Exit codes: 0 done, 1 our own failure, 2 wrong input or use, 3 done in part, 130 interrupted.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
