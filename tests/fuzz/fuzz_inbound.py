"""Coverage-guided fuzzing of everything that reads what strangers send: `make fuzz`.

    python -m fuzz.fuzz_inbound [options of libFuzzer] FOUND [SEEDS ...]

An input that should not be is left as `crash-...` where -artifact_prefix says. It belongs in
tests/fuzz/corpus/ then, with a name that says what was wrong: test_corpus.py reads it for ever.
"""

import sys

import atheris

with atheris.instrument_imports(include=["obo_mcp", "fuzz.target"]):
    from fuzz.target import one_input


def once(data: bytes) -> None:
    one_input(data)


def main() -> None:
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
