"""A headless stand-in for a person at a browser: reads pages, fills forms, presses buttons."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_MOST_PAGES = 12
_TYPED = frozenset({"text", "email", "password"})


@dataclass(slots=True)
class Form:
    """One form of a page: where it goes, what is already in it, what a person must type."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._pressed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(named.get("action", ""), named.get("method", "get")))
            self._pressed = False
        elif self.forms and tag == "input":
            self._input(named)
        elif self.forms and tag == "button":
            self._press(named)

    def _input(self, named: dict[str, str]) -> None:
        kind, name = named.get("type", "text"), named.get("name", "")
        if kind == "submit":
            self._press(named)
        elif name and kind not in {"checkbox", "radio"}:
            self.forms[-1].values[name] = named.get("value", "")
            if kind in _TYPED:
                self.forms[-1].typed.append(name)

    def _press(self, named: dict[str, str]) -> None:
        """The first button of a form is the one that goes on."""
        if not self._pressed and named.get("name"):
            self.forms[-1].values[named["name"]] = named.get("value", "")
        self._pressed = True


class Browser:
    """One person's browser, with its own cookies. What it types is looked up by field name."""

    def __init__(self, http: httpx.Client, types: dict[str, str]) -> None:
        self._http = http
        self._types = types

    def visit(self, address: str) -> str:
        """Open `address` and go on until there is nothing left to press; the last page's text.

        Raises:
            RuntimeError: the pages never end, or ask for something this person does not know.
        """
        page = self._http.get(address, follow_redirects=True)
        for _ in range(_MOST_PAGES):
            form = next(self._forms(page), None)
            if form is None:
                return page.text
            page = self._submit(page, form)
        raise RuntimeError("the sign-in pages do not come to an end")

    def _forms(self, page: httpx.Response) -> Iterator[Form]:
        parser = _Forms()
        parser.feed(page.text)
        yield from parser.forms

    def _submit(self, page: httpx.Response, form: Form) -> httpx.Response:
        for name in form.typed:
            if name not in self._types:
                raise RuntimeError(f"the page asks for {name!r}, which this person does not know")
            form.values[name] = self._types[name]
        target = urljoin(str(page.url), form.action)
        if form.method.lower() == "get":
            return self._http.get(target, params=form.values, follow_redirects=True)
        return self._http.post(target, data=form.values, follow_redirects=True)
