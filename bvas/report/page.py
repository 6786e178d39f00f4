"""`index.html`: one file that shows and corrects a match report in any browser, with no request to anywhere.

Data, script and style are in the file; videos lie beside it. The sources of script and style are in `web/`.
"""

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from pathlib import Path

from bvas.report.content import MatchReport
from bvas.report.page_data import page_data
from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import shown_text

# In this order: each uses those before it.
SCRIPTS = (
    "data.js",
    "events.js",
    "filter.js",
    "corrections.js",
    "labels.js",
    "storage.js",
    "player.js",
    "drawing.js",
    "timeline.js",
    "list.js",
    "plots.js",
    "keys.js",
    "view.js",
    "app.js",
)


def write_page(path: Path, report: MatchReport) -> None:
    """Write the page; videos are linked by `VideoReport.href`, relative to the page's folder.

    Raises:
        ConfigError: a number of the report is not finite.
        DataError: the file cannot be written.
    """
    write_bytes(path, shown_text(page_html(report)).encode())


def page_html(report: MatchReport) -> str:
    """Return the page as HTML.

    Text from outside is in the data only, and the script puts it on the page as text. What an attacker could
    slip in besides would not run: the page allows one script, by its hash, and no request.

    Raises:
        ConfigError: a number of the report is not finite.
    """
    script = "\n" + "\n".join(
        ["(() => {", '"use strict";', *(_source(name) for name in SCRIPTS), "})();", ""]
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{_source('page.css')}</style>\n</head>\n<body>\n{_source('page.html')}"
        f'<script type="application/json" id="data">{_embedded(page_data(report))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _source(name: str) -> str:
    return files("bvas.report").joinpath("web", name).read_text("utf-8")


def _embedded(data: object) -> str:
    """Return JSON that no text in it can end: `<` is written as an escape."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
