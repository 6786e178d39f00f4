"""A Hugging Face Hub on this machine: repositories of models in memory, and a second server for large files."""

import base64
import hashlib
import http.server
import json
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    """Everyone sees its files, and nobody may have them."""
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Make a commit with exactly these files, and return its hash."""
        name = hashlib.sha1(repr((sorted(files.items()), len(self.commits))).encode()).hexdigest()
        self.commits[name] = dict(files)
        self.branches[branch] = name
        return name

    def files(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        name = self.branches.get(revision, revision)
        return (name, self.commits[name]) if name in self.commits else None


@dataclass
class LocalHub:
    """What the servers hold and do."""

    token: str = "hf_secretOfTheTests"
    repositories: dict[str, Repository] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    """Large files by their SHA-256, before the commit that names them."""
    served: dict[str, bytes] = field(default_factory=dict)
    """What is sent in place of a file, by path."""
    cuts: list[int | None] = field(default_factory=list)
    """Bytes after which the connection of a large file closes, a request each; the last counts for all that follow."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and Authorization of each request; paths of the second server begin with `cdn:`."""
    ranges: list[str] = field(default_factory=list)
    """Ranges that large files were asked for."""
    endpoint: str = ""
    large_files: str = ""

    def paths(self, method: str) -> list[str]:
        return [path for sent, path, _ in self.requests if sent == method]


def is_large(path: str) -> bool:
    return path.endswith(".safetensors")


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def __init__(self, hub, *args):
        self.hub = hub
        super().__init__(*args)

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _noted(self, prefix=""):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, prefix + path, self.headers.get("Authorization", "")))
        size = int(self.headers.get("Content-Length") or 0)
        self.body = (
            self.rfile.read(size) if size or self.headers.get("Transfer-Encoding") is None else self._chunks()
        )
        return path

    def _chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


class _HubHandler(_Handler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self._noted()
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._with_files(found[1], found[2] or "main", self._info)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            self._with_files(found[1], found[2], self._tree)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._with_files(found[1], found[2], partial(self._file, found[3]))
        else:
            self.answer(404)

    def do_POST(self):
        path = self._noted()
        may_write = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif not may_write:
            self.answer(401 if not self.headers.get("Authorization") else 403)
        elif path == "/api/repos/create":
            self._create(json.loads(self.body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/(.+)", path):
            branches = self.hub.repositories[found[1]].branches
            status = 409 if found[2] in branches else 200
            branches.setdefault(found[2], branches["main"])
            self.answer(status, {})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", path):
            files = [one["path"] for one in json.loads(self.body)["files"]]
            modes = {name: "lfs" if is_large(name) else "regular" for name in files}
            modes = [
                {"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()
            ]
            self.answer(200, {"files": modes})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.hub.large_files}/{one['oid']}"}}}
                for one in json.loads(self.body)["objects"]
            ]
            self.answer(200, {"transfer": "basic", "objects": objects})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
            self._commit(found[1], found[2])
        else:
            self.answer(404)

    def _with_files(self, name, revision, answer):
        repository = self.hub.repositories.get(name)
        has_token = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if repository is None or (repository.private and not has_token):
            # As the Hub does: without a token it does not tell which of both it is.
            status = 404 if self.headers.get("Authorization") else 401
            self.answer(status, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
            return
        found = repository.files(revision)
        if found is None:
            self.answer(404, X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
            return
        answer(name, repository, *found)

    def _info(self, name, repository, commit, files):
        siblings = [{"rfilename": path} for path in files]
        about = {"id": name, "modelId": name, "sha": commit, "private": repository.private}
        self.answer(200, {**about, "tags": [], "siblings": siblings})

    def _tree(self, name, repository, commit, files):
        entries = []
        for path, content in files.items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
            if is_large(path):
                oid = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 134}
            entries.append(entry)
        self.answer(200, entries)

    def _file(self, path, name, repository, commit, files):
        content = files[path]
        if repository.gated:
            self.answer(403, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted")
            return
        if not is_large(path):
            content = self.hub.served.get(path, content)
            self.answer(200, content, ETag=f'"{blob_id(files[path])}"', X_Repo_Commit=commit)
            return
        self.answer(
            302,
            Location=f"{self.hub.large_files}/{name}/{commit}/{path}?X-Amz-Signature=signed",
            X_Repo_Commit=commit,
            X_Linked_Size=str(len(content)),
            X_Linked_ETag=f'"{hashlib.sha256(content).hexdigest()}"',
        )

    def _create(self, asked):
        name = f"{asked['organization']}/{asked['name']}"
        there = name in self.hub.repositories
        if not there:
            # Version 1 of huggingface_hub says it in the first way.
            private = bool(asked.get("private")) or asked.get("visibility") == "private"
            self.hub.repositories[name] = Repository(private=private)
            self.hub.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        self.answer(409 if there else 200, {"url": f"{self.hub.endpoint}/{name}"})

    def _commit(self, name, branch):
        repository = self.hub.repositories[name]
        files = dict(repository.files(branch)[1])
        for line in self.body.splitlines():
            one = json.loads(line)
            value = one["value"]
            if one["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif one["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
            elif one["key"] == "deletedFile":
                del files[value["path"]]
        commit = repository.commit(files, branch)
        self.answer(200, {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{commit}", "commitOid": commit})


class _LargeFileHandler(_Handler):
    def do_PUT(self):
        oid = self._noted("cdn:").removeprefix("/")
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.uploads[oid] = self.body
        self.answer(200)

    def do_GET(self):
        path = self._noted("cdn:")
        owner, name, commit, file = path.removeprefix("/").split("/", 3)
        content = self.hub.served.get(file, self.hub.repositories[f"{owner}/{name}"].commits[commit][file])
        asked = self.headers.get("Range", "")
        self.hub.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        cut = self.hub.cuts[0] if self.hub.cuts else None
        if len(self.hub.cuts) > 1:
            self.hub.cuts.pop(0)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:cut])
        self.close_connection = cut is not None


@contextmanager
def local_hub():
    """Yield a `LocalHub` with its addresses."""
    hub = LocalHub()
    with ExitStack() as stack:
        for handler in (_HubHandler, _LargeFileHandler):
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, hub))
            server.daemon_threads = True
            stack.callback(server.server_close)
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            )
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            address = f"http://127.0.0.1:{server.server_address[1]}"
            if handler is _HubHandler:
                hub.endpoint = address
            else:
                hub.large_files = address
        yield hub
