"""The template files beside this module, read once per process start and passed around."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """All templates, as the .toml files have them."""

    threads: tuple[Template, ...]
    notices: tuple[Template, ...]
    single_events: tuple[Template, ...]
    all_day_events: tuple[Template, ...]
    series: tuple[Template, ...]
    folders: tuple[str, ...]
    files: tuple[Template, ...]
    chat_groups: tuple[str, ...]
    chat_lines: tuple[str, ...]
    task_lists: tuple[str, ...]
    task_plans: tuple[str, ...]
    task_titles: tuple[str, ...]


def load_templates() -> Templates:
    """Read the .toml files that come with the package."""
    meetings, drive = _read("meetings"), _read("files")
    chats, tasks = _read("chats"), _read("tasks")
    return Templates(
        threads=tuple(_read("threads")["thread"]),
        notices=tuple(_read("notices")["notice"]),
        single_events=tuple(meetings["single"]),
        all_day_events=tuple(meetings["all_day"]),
        series=tuple(meetings["series"]),
        folders=tuple(drive["folders"]),
        files=tuple(drive["file"]),
        chat_groups=tuple(chats["groups"]),
        chat_lines=tuple(chats["lines"]),
        task_lists=tuple(tasks["lists"]),
        task_plans=tuple(tasks["plans"]),
        task_titles=tuple(tasks["titles"]),
    )


def _read(name: str) -> dict[str, Any]:
    text = files(__package__ or "").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
