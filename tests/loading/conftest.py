import pytest
from loading_videos import write_barcodes


@pytest.fixture(scope="session")
def barcode_folder(tmp_path_factory):
    """Two videos: first.mp4 shows 0 to 99, second.mkv 100 to 199."""
    folder = tmp_path_factory.mktemp("barcodes")
    write_barcodes(folder / "first.mp4")
    write_barcodes(folder / "second.mkv", first=100)
    return folder
