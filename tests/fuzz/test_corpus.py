"""Every input that the fuzzer starts from, and every one it ever found, read once more."""

from random import Random

import pytest

from fuzz.effort import SEED
from fuzz.seeds import CORPUS, seeds, words
from fuzz.target import READERS, one_input

COMMITTED = {path.name: path for path in sorted(CORPUS.iterdir())}


@pytest.mark.parametrize("name", COMMITTED)
def test_an_input_of_the_corpus_is_read_or_refused_in_the_way_that_is_documented(name):
    outcome = one_input(COMMITTED[name].read_bytes())
    if name in seeds():
        assert outcome == seeds()[name].outcome


def test_the_corpus_holds_the_seeds_as_they_are_written_now():
    stale = [
        name
        for name, seed in seeds().items()
        if name not in COMMITTED or COMMITTED[name].read_bytes() != seed.data
    ]
    assert not stale, f"PYTHONPATH=tests python -m fuzz.seeds writes them: {stale}"
    assert (CORPUS.with_name("words.dict")).read_text("ascii").splitlines() == words()


def test_the_corpus_has_inputs_for_every_reader():
    assert {path.read_bytes()[:1] for path in COMMITTED.values()} == set(READERS)


def test_spoilt_inputs_of_the_corpus_are_read_or_refused_too():
    chance = Random(SEED)
    inputs = [path.read_bytes() for path in COMMITTED.values()]
    outcomes = set()
    for _ in range(20_000):
        data = bytearray(chance.choice(inputs))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(1, len(data) + 1)
            data[at : at + chance.randrange(2)] = chance.randbytes(chance.randrange(2))
        outcomes.add(one_input(bytes(data)))
    assert {"read", "accepted", "usable", "unusable", "TokenMalformed", "ValueError"} <= outcomes
