"""Say how many of mutmut's mutants the tests noticed; fail below the share that is promised."""

import json
import sys
from pathlib import Path

PROMISED = 0.9


def main():
    """Read what `mutmut export-cicd-stats` left."""
    stats = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text("utf-8"))
    noticed = stats["killed"] + stats["timeout"]
    share = noticed / stats["total"]
    counts = ", ".join(f"{name} {count}" for name, count in stats.items() if count)
    sys.stdout.write(f"inside functions: {share:.1%} noticed ({counts})\n")
    return share < PROMISED


if __name__ == "__main__":
    sys.exit(main())
