"""`index.html`: one file that shows and corrects a match report in any browser, with no request to anywhere.

Data, script and style are in the file; videos lie beside it. The sources of script and style are in `web/`.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from bvas.report.content import MatchReport
from bvas.report.page_data import page_data
from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import shown_text

# In this order: each uses those before it.
SCRIPTS = (
    "elements.js",
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
    "presses.js",
    "view.js",
    "editing.js",
    "files.js",
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
    return page_document(
        report.title, page_data(report), body="page.html", styles=("page.css",), scripts=SCRIPTS
    )


def page_document(
    title: str, data: object, *, body: str, styles: Sequence[str], scripts: Sequence[str]
) -> str:
    """Return a page of its parts in `web/`, as HTML; see `page_html`.

    Args:
        title: Of the window.
        data: Plain data for the scripts.
        body: File of the page's body.
        styles: Files of styles, in order.
        scripts: Files of scripts, in order.
    """
    script = "\n" + "\n".join(
        ["(() => {", '"use strict";', *(_source(name) for name in scripts), "})();", ""]
    )
    style = "".join(map(_source, styles))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{_source(body)}"
        f'<script type="application/json" id="data">{_embedded(data)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _source(name: str) -> str:
    return files("bvas.report").joinpath("web", name).read_text("utf-8")


def _embedded(data: object) -> str:
    """Return JSON that no text in it can end: `<` is written as an escape."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
