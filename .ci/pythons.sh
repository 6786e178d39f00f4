# Pythons of this machine, for sourcing: those that pyproject.toml names, and where each is.

supported_pythons() { # -> 3.11 3.12 ...
  sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml
}

# find_python 3.12 -> the path of one that runs and can make environments. A shim of pyenv's may be on PATH for a
# Python that it does not run here.
find_python() {
  local candidate
  while read -r candidate; do
    if "$candidate" -c "import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done < <(
    type -ap "python$1"
    printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"
  )
  return 1
}

# new_environment FOLDER PYTHON: a virtual environment of this Python, unless it is there already.
new_environment() {
  local version="import sys; print(sys.version, sys.base_prefix)"
  if [ "$("$1/bin/python" -c "import pip; $version" 2>/dev/null)" != "$("$2" -c "$version")" ]; then
    "$2" -m venv --clear "$1"
  fi
}
