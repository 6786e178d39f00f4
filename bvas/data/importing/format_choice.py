"""Format of labels, by the names and the content of their files."""

from pathlib import Path

from bvas.data.importing.from_class_folders import is_class_folders
from bvas.data.importing.from_corrections import is_corrections
from bvas.data.importing.from_fiftyone import LABELS_NAME, is_fiftyone
from bvas.data.importing.from_hmdb51 import list_files
from bvas.data.importing.from_kinetics import kinetics_tables
from bvas.data.importing.from_label_studio import is_label_studio
from bvas.data.importing.from_spacejam import ANNOTATION_FILE
from bvas.data.importing.from_ucf101 import CLASS_FILE
from bvas.data.osl_json import is_osl
from bvas.data.soccernet_files import LABEL_FILES
from bvas.errors import DataError
from bvas.system.text_files import read_json


def format_of(source: Path) -> str:
    """Return the format of a file or folder, by name and content.

    Raises:
        DataError: it does not exist, or its format is not recognized.
    """
    if not source.exists():
        raise DataError(f"no file or folder {source}")
    if source.is_dir():
        return _format_of_folder(source)
    suffix = source.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return "kinetics" if kinetics_tables(source) else "csv"
    if suffix != ".json":
        raise DataError(f"{source} is neither a folder nor .csv nor .json; name its format with --format")
    if source.name.endswith(ANNOTATION_FILE):
        return "spacejam"
    content = read_json(source)
    tests = {
        "corrections": is_corrections,
        "fiftyone": is_fiftyone,
        "osl": is_osl,
        "label-studio": is_label_studio,
    }
    return next((name for name, is_format in tests.items() if is_format(content)), "e2e-spot")


def _format_of_folder(source: Path) -> str:
    splits = [source / f"{split}.json" for split in ("train", "val", "test", "challenge")]
    if any(path.is_file() for path in splits):
        return "e2e-spot"
    if (source / ANNOTATION_FILE).is_file():
        return "spacejam"
    if (source / CLASS_FILE).is_file():
        return "ucf101"
    if any(list_files(source, number) for number in (1, 2, 3)):
        return "hmdb51"
    if kinetics_tables(source):
        return "kinetics"
    if (source / LABELS_NAME).is_file() and is_fiftyone(read_json(source / LABELS_NAME)):
        return "fiftyone"
    is_soccernet = any(True for name in LABEL_FILES for _ in source.rglob(name))
    return "folders" if not is_soccernet and is_class_folders(source) else "soccernet"
