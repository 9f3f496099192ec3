"""The command's own folder on this machine."""

from pathlib import Path

import typer


def own_folder() -> Path:
    """The platform's configuration folder for `obo-mcp`, made if it is not there.

    Whichever verb comes first makes it, and sign-ins are kept in it: so it is its owner's alone
    from the start. (Of a folder made with its parents, only the last would get the mode.)

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(typer.get_app_dir("obo-mcp"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
