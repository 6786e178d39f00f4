"""Upload of an experiment to the Hugging Face Hub: weights, settings and a card; no code, no state of the optimizer."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bvas.errors import ConfigError
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint, save_checkpoint
from bvas.experiment.experiment import Experiment
from bvas.experiment.hub_pull import TUNED_NAME, is_known, known_files
from bvas.experiment.seen_matches import FILE_NAME as MATCHES_NAME
from bvas.system.atomic_files import write_text
from bvas.system.hub import MAIN, PREFIX, HubAddress, import_hub, open_hub

logger = logging.getLogger(__name__)

CARD_NAME = "README.md"


def files_to_push(
    experiment: Experiment, checkpoints: Mapping[int, Checkpoint], run: Path, scratch: Path
) -> dict[str, Path]:
    """Return the files of an experiment by their path in a repository.

    Paths and addresses of the trainer's machine are left out of the settings, in the weights' metadata too.

    Args:
        experiment: The experiment.
        checkpoints: Its weights by fold.
        run: Its folder of runs.
        scratch: Folder for files that differ from those in `run`.

    Raises:
        DataError: the scratch folder cannot be written.
    """
    files = {"experiment.json": scratch / "experiment.json"}
    write_text(files["experiment.json"], _without_paths(experiment).to_json() + "\n")
    if (run / TUNED_NAME).is_file():
        files[TUNED_NAME] = run / TUNED_NAME
    for fold, checkpoint in checkpoints.items():
        name = f"fold_{fold}/{FILE_NAME}"
        files[name] = checkpoint.path
        public = _without_paths(checkpoint.experiment)
        if public != checkpoint.experiment:
            logger.info(
                "start_from and weights_file are left out of %s: they name files of this machine", name
            )
            files[name] = scratch / name
            save_checkpoint(files[name], checkpoint.state, public, checkpoint.facts)
        matches = checkpoint.path.with_name(MATCHES_NAME)
        if matches.is_file():
            files[f"fold_{fold}/{MATCHES_NAME}"] = matches
    assert all(map(is_known, files)), sorted(files)
    return files


def _without_paths(experiment: Experiment) -> Experiment:
    """Return an experiment without paths and addresses of initial weights; the name of another experiment stays."""
    train = experiment.train
    start = train.start_from if train.starts_from_experiment else ""
    return replace(
        experiment,
        train=replace(train, start_from=start),
        model=replace(experiment.model, weights_file=None),
    )


def push(address: HubAddress, files: Mapping[str, Path], card: str, *, private: bool) -> str:
    """Upload files as one commit, and return its hash; files of an earlier push that are not among them are deleted.

    Args:
        address: The revision is a branch; a repository and a branch that do not exist are made.
        files: As `files_to_push` returns them.
        card: The model card.
        private: A new repository is private.

    Raises:
        ConfigError: the revision is a commit, the repository is public where it should be private, or huggingface_hub
            is not installed.
        DataError: the Hub cannot be reached, or the token may not write.
    """
    if address.is_commit:
        raise ConfigError(
            f"{address} is a commit, which never changes; push to a branch: hf:OWNER/NAME@BRANCH"
        )
    hub = import_hub()
    with open_hub(address) as api:
        api.create_repo(address.repository, private=private or None, exist_ok=True)
        if private and not api.model_info(address.repository).private:
            raise ConfigError(
                f"{PREFIX}{address.repository} exists and is public; make it private on the Hub, choose another name, "
                "or leave out --private"
            )
        if address.revision != MAIN:
            api.create_branch(address.repository, branch=address.revision, exist_ok=True)
        stale = known_files(api, address).keys() - files.keys()
        operations = [
            hub.CommitOperationAdd(CARD_NAME, card.encode()),
            *(hub.CommitOperationAdd(name, path) for name, path in files.items()),
            *(hub.CommitOperationDelete(name) for name in sorted(stale)),
        ]
        done = api.create_commit(
            address.repository, operations, commit_message="bvas weights push", revision=address.revision
        )
    return str(done.oid)
