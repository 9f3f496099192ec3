"""Make the corpus of forged tokens anew, or check the frozen one: forge.py [--check]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from vectors.forging import frozen


def main(arguments: list[str]) -> int:
    document = frozen.corpus()
    if "--check" not in arguments:
        frozen.write(document)
        sys.stdout.write(f"{len(document['items'])} items in {frozen.FILE.name}\n")
        return 0
    if frozen.meaning(document) == frozen.meaning(frozen.read()):
        return 0
    sys.stderr.write(f"{frozen.FILE.name} is not what forge.py makes: run it without --check\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
