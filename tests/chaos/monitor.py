"""What Redis itself tells about a load: evidence that the library has no part in."""

import base64
import re
from collections import Counter, defaultdict

_BEGINNING = 8


def commands(lines):
    """Command and first argument of each line of MONITOR."""
    found = (re.findall(rb'"([^"]*)"', line) for line in lines)
    return [(words[0], words[1]) for words in found if len(words) > 1]


def gets(lines):
    """How often each name was asked for."""
    return Counter(name for command, name in commands(lines) if command == b"GETRANGE")


def races(lines):
    """How often an entry was looked for before it was there, beyond the once that has to be.

    Whoever looked too early exchanges for himself, and that is no fault. An entry that never came
    was not looked for too early.
    """
    early, there = Counter(), set()
    for command, name in commands(lines):
        if command == b"SET":
            there.add(name)
        elif command == b"GETRANGE" and name not in there:
            early[name] += 1
    return sum(early[name] - 1 for name in there if early[name])


class Scan:
    """Looks for many words at once, each in four spellings."""

    def __init__(self, words):
        self._short = []
        self._long = defaultdict(list)
        for number, word in enumerate(words):
            for spelling in _spellings(word):
                if len(spelling) < _BEGINNING:
                    self._short.append((number, spelling))
                else:
                    self._long[spelling[:_BEGINNING]].append((number, spelling))

    def found_in(self, octets):
        """The numbers of the words that are in `octets`: a number can be shown, a word cannot."""
        found = {number for number, spelling in self._short if spelling in octets}
        for at in range(len(octets)):
            for number, spelling in self._long.get(octets[at : at + _BEGINNING], ()):
                if octets.startswith(spelling, at):
                    found.add(number)
        return found


def _spellings(word):
    plain = word.encode()
    return plain, word.encode("utf-16-le"), plain.hex().encode(), base64.b64encode(plain)
