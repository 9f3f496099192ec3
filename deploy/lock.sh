#!/usr/bin/env bash
# Resolves requirements/*.txt for every supported Python, with hashes and without any index address.
set -euo pipefail
uv=$1
resolve() {
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-emit-index-url --no-emit-find-links --no-header "$@"
}
resolve pyproject.toml requirements/build.in --extra server --extra tenant -o requirements/run.txt
resolve pyproject.toml requirements/build.in --all-extras --group dev -c requirements/run.txt -o requirements/dev.txt
resolve requirements/fuzz.in -c requirements/run.txt -o requirements/fuzz.txt
resolve requirements/mutants.in -c requirements/dev.txt -o requirements/mutants.txt
