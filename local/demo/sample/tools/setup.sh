#!/bin/sh
# .venv with pytest in it. The outer pip does that in a second; where it is missing or old, the environment gets its own.
set -e
python -m venv --without-pip .venv
if python -m pip --python .venv/bin/python --version >/dev/null 2>&1; then
    python -m pip --python .venv/bin/python install --quiet --no-compile pytest
else
    python -m venv .venv
    .venv/bin/python -m pip install --quiet --no-compile pytest
fi
