"""The scripts that read and write the versions that bvas supports, and find the Pythons to test with."""

import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_has_a_lower_bound():
    oldest = script("oldest_versions").oldest_versions(ROOT / "pyproject.toml")
    names = [line.partition("==")[0] for line in oldest]
    assert {"av", "torch", "onnx", "srt", "pytest", "scipy-stubs"} <= set(names)
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.startswith("bvas")]


def test_the_oldest_versions_keep_their_markers_and_a_missing_bound_is_named(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text(
        "[project]\nname = 'a'\ndependencies = [\"b>=2.1; sys_platform == 'linux'\", 'c[d]>=3']\n"
        "[project.optional-dependencies]\ne = ['f>=0.5']\ng = ['a[e]']\n"
    )
    oldest_versions = script("oldest_versions").oldest_versions
    assert oldest_versions(path) == ["b==2.1; sys_platform == 'linux'", "c==3", "f==0.5"]
    path.write_text(path.read_text().replace("f>=0.5", "f<2"))
    with pytest.raises(ValueError, match="'f<2' has no lower bound"):
        oldest_versions(path)


def test_constraints_have_markers_where_versions_differ_by_python():
    lines = script("write_constraints").constraint_lines(
        [
            ("3.11", {"av": "18.1.0", "torch": "2.14.1", "old": "1"}),
            ("3.12", {"av": "19.0.2", "torch": "2.14.1", "new": "2"}),
            ("3.14", {"av": "20.0.0", "torch": "2.14.1", "new": "2"}),
        ]
    )
    assert lines == [
        'av==18.1.0; python_version < "3.12"',
        'av==19.0.2; python_version >= "3.12" and python_version < "3.14"',
        'av==20.0.0; python_version >= "3.14"',
        "new==2",
        "old==1",
        "torch==2.14.1",
    ]


def test_constraints_name_packages_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or not set("/\\@:") & set(line), line


def found_python(version, path, pyenv):
    """What `.ci/pythons.sh` finds; None for nothing."""
    result = subprocess.run(
        ["bash", "-c", f"source .ci/pythons.sh; find_python {version}"],
        cwd=ROOT,
        env={"PATH": os.pathsep.join([str(path), "/usr/bin", "/bin"]), "PYENV_ROOT": str(pyenv)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() or None


@pytest.mark.skipif(sys.platform == "win32", reason="bash")
def test_a_shim_that_does_not_run_is_not_a_python_and_pyenvs_own_are_looked_at(tmp_path):
    shims, version = tmp_path / "shims", "{}.{}".format(*sys.version_info)
    shims.mkdir()
    shim = shims / f"python{version}"
    shim.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    own = tmp_path / "versions" / f"{version}.1" / "bin" / f"python{version}"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    # The system may have one of this version; ours is found where it has none.
    assert found_python(version, shims, tmp_path) in (
        f"/usr/bin/python{version}",
        f"/bin/python{version}",
        str(own),
    )
    assert found_python(version, own.parent, tmp_path / "nowhere") == str(own)
    # One of another version under this name does not count.
    other = shims / "python3.99"
    other.symlink_to(sys.executable)
    assert found_python("3.99", shims, tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="bash")
def test_the_pythons_to_test_with_are_those_of_the_classifiers():
    printed = subprocess.check_output(
        ["bash", "-c", "source .ci/pythons.sh; supported_pythons"], cwd=ROOT, text=True
    )
    assert printed.split() == ["3.11", "3.12", "3.13"]


def test_what_torch_2_11_says_of_its_own_compiler_fails_no_test():
    for name in ("script", "script_method"):
        warnings.warn(f"`torch.jit.{name}` is deprecated. Please switch.", DeprecationWarning, stacklevel=1)
    with pytest.raises(DeprecationWarning):
        warnings.warn("`torch.other` is deprecated.", DeprecationWarning, stacklevel=1)
