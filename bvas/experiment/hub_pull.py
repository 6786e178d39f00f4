"""Experiments from the Hugging Face Hub, pulled once into the runs folder.

    runs/hf--OWNER--NAME@COMMIT/     the first 12 digits of the commit
        experiment.json, fold_K/model.safetensors, fold_K/matches.json, postprocessing.json
        hub.json                     `HubRecord`

Only files of these names are fetched, never code. Each is compared with the hash that the commit has of it.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvas.errors import CheckpointError, DataError
from bvas.system.atomic_files import write_text
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.download import hash_of
from bvas.system.hub import HubAddress, open_hub, parse_address
from bvas.system.locks import locked
from bvas.system.text_files import read_text
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

RECORD_NAME = "hub.json"
TUNED_NAME = "postprocessing.json"
_SETTINGS_NAME = "experiment.json"
_KNOWN = re.compile(rf"{_SETTINGS_NAME}|{TUNED_NAME}|fold_\d{{1,4}}/(?:model\.safetensors|matches\.json)")
# Beside the experiments, so that a whole one takes its name at once; a folder deeper, so that none is found in it.
_UNFINISHED = ".hub"
_COMMIT_DIGITS = 12
_SECONDS_TO_WAIT = 24 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HubRecord:
    """Origin of a pulled experiment, in `hub.json`."""

    repository: str
    """OWNER/NAME."""
    commit: str
    """Its full hash."""
    files: Mapping[str, str]
    """SHA-256 of each file, hexadecimal, by its path in the repository."""


def is_known(path: str) -> bool:
    """Whether a path in a repository is that of a file of an experiment."""
    return _KNOWN.fullmatch(path) is not None


def known_files(api: Any, address: HubAddress) -> dict[str, Any]:
    """Return the entries of an experiment's files in a repository, by path."""
    entries = api.list_repo_tree(address.repository, revision=address.revision, recursive=True)
    return {entry.path: entry for entry in entries if is_known(entry.path)}


def pulled(text: str, runs: Path) -> str:
    """Return the name in the runs folder of the experiment `hf:OWNER/NAME[@REVISION]`; it is pulled unless it is there.

    A full commit that was pulled is found without the network. Weights and settings are checked each time.

    Raises:
        ConfigError: the address is malformed, or huggingface_hub is not installed.
        DataError: as `pull`.
        CheckpointError: as `pull`; or a file was changed since it was pulled.
    """
    address = resolved(parse_address(text))
    name = f"hf--{address.owner}--{address.name}@{address.revision[:_COMMIT_DIGITS]}"
    if not (runs / name).exists():
        pull(address, runs, name)
    _check_unchanged(runs / name, address)
    return name


def resolved(address: HubAddress) -> HubAddress:
    """Return an address with the commit that its revision means now, which is logged.

    Raises:
        ConfigError: huggingface_hub is not installed.
        DataError: the Hub cannot be reached, or has no such repository or revision.
    """
    if address.is_commit:
        return address
    with open_hub(address) as api:
        found = replace(address, revision=api.model_info(address.repository, revision=address.revision).sha)
    logger.info("%s is %s", address, found)
    return found


def pull(address: HubAddress, runs: Path, name: str) -> None:
    """Write `runs/NAME` from a commit of a repository; whole files of an interrupted pull are kept for the next one.

    Args:
        address: With a commit as its revision.
        runs: The runs folder.
        name: Folder there; one that another process has made meanwhile is left as it is.

    Raises:
        ConfigError: huggingface_hub is not installed.
        DataError: the Hub cannot be reached, or a file has another hash than the commit says.
        CheckpointError: the repository has no experiment with weights.
    """
    unfinished = runs / _UNFINISHED
    with locked(unfinished, seconds=_SECONDS_TO_WAIT):
        if (runs / name).exists():
            return
        # By commit: files of another one are not resumed.
        folder = unfinished / address.revision
        with open_hub(address) as api:
            entries = known_files(api, address)
            if _SETTINGS_NAME not in entries or not any(path.endswith(".safetensors") for path in entries):
                raise CheckpointError(
                    f"{address} has no {_SETTINGS_NAME} and fold_K/model.safetensors: it is not an experiment that "
                    "'bvas weights push' has uploaded"
                )
            for path in sorted(entries):
                api.hf_hub_download(address.repository, path, revision=address.revision, local_dir=folder)
        hashes = {path: _checked(folder / path, entry, address) for path, entry in entries.items()}
        record = HubRecord(repository=address.repository, commit=address.revision, files=hashes)
        write_text(folder / RECORD_NAME, value_to_json(record) + "\n")
        # Notes of huggingface_hub for resuming.
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        try:
            folder.rename(runs / name)
        except OSError as error:
            raise DataError(
                f"cannot write {runs / name}: {error.strerror}; free the name and try again"
            ) from error
    logger.info("%s in %s", count_text(len(hashes), "file"), runs / name)


def _checked(path: Path, entry: Any, address: HubAddress) -> str:
    """Return the SHA-256 of a file that has the hash of its entry; another file is removed."""
    sha256 = hash_of(path)
    if entry.lfs is not None:
        found, wanted = sha256, entry.lfs.sha256
    else:
        content = path.read_bytes()
        # Git's own hash of a small file, the only one that the Hub has.
        found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        wanted = entry.blob_id
    if found != wanted:
        path.unlink()
        raise DataError(
            f"{entry.path} of {address} came with the hash {found}, and the commit has {wanted}: it was changed or cut "
            "off on the way; it is not used, try again"
        )
    return sha256


def _check_unchanged(folder: Path, address: HubAddress) -> None:
    record = value_from_json(read_text(folder / RECORD_NAME), HubRecord, f"record {folder / RECORD_NAME}")
    again = f"remove {folder}, then it is pulled again"
    if record.commit != address.revision:
        raise CheckpointError(
            f"{folder} is of the commit {record.commit}, not of {address.revision}; {again}"
        )
    for path, sha256 in record.files.items():
        file = folder / path
        # Rules may be tuned again in their place.
        if path != TUNED_NAME and not (file.is_file() and hash_of(file) == sha256):
            raise CheckpointError(f"{file} is not the file that was pulled (SHA-256 {sha256}); {again}")
