#!/usr/bin/env bash
# Leaves .venv with every dependency at its locked version and hash, and .venv/bin/detente from this folder.
# Takes: PYTHON (default python3). Safe to run again. Uses the package index that pip is configured for, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
venv=.venv

say() { printf 'setup: %s\n' "$*" >&2; }

command -v "$python" >/dev/null || { say "there is no $python here. Install Python 3.11 or newer (on Debian: apt-get install -y python3)."; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { say "$("$python" --version) is too old. Name a Python 3.11 or newer: make setup PYTHON=python3.11"; exit 1; }

# Debian keeps the part of Python that makes virtual environments in a package of its own.
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "python3-venv is missing; installing it"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
  else
    say "$python cannot make virtual environments. Run this, then make setup again:"
    say "  sudo apt-get update && sudo apt-get install -y python3-venv"
    exit 1
  fi
fi

# A half-made environment, or one moved here from another folder, is made anew rather than mended.
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null || ! grep -qF " $PWD/$venv" "$venv/pyvenv.cfg"; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

# Wheels only: building a source archive would bring in build tools that no hash is checked for.
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
say "installing the locked dependencies"
"${pip[@]}" install --require-hashes --no-deps --only-binary :all: -r requirements/dev.txt
"${pip[@]}" install --no-deps --no-build-isolation --no-index --editable .
"${pip[@]}" check
say "done: $venv/bin/detente"
