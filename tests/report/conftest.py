import sys
from pathlib import Path

# Videos of numbered frames are made as for the tests of decoders.
FOLDER = str(Path(__file__).resolve().parents[1] / "video")
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)
