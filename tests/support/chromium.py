"""A real Chromium, driven over the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import base64
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_PATIENCE_MILLISECONDS = 10_000
_MOST_LOOKS = 5_000
MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Page:
    """One window. Elements are found by CSS selector."""

    session: httpx.Client

    def open(self, address: str) -> None:
        self._post("url", {"url": address})

    def type(self, selector: str, text: str) -> None:
        self._post(f"element/{self._find(selector)}/value", {"text": text})

    def press(self, selector: str) -> None:
        """Press a button that leads to another page, and wait until this one is gone."""
        element = self._find(selector)
        self._post(f"element/{element}/click", {})
        for _ in range(_MOST_LOOKS):
            if self.session.get(f"element/{element}/name").is_error:
                return
        raise AssertionError(f"pressing {selector} leads nowhere")

    def text(self, selector: str = "body") -> str:
        return self._get(f"element/{self._find(selector)}/text")

    def address(self) -> str:
        return self._get("url")

    def title(self) -> str:
        return self._get("title")

    def run(self, script: str):
        return self._post("execute/sync", {"script": script, "args": []})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._get("screenshot"))

    def _find(self, selector: str) -> str:
        return self._post("element", {"using": "css selector", "value": selector})[_ELEMENT]

    def _post(self, path: str, body: dict):
        return _value(self.session.post(path, json=body))

    def _get(self, path: str):
        return _value(self.session.get(path))


@contextmanager
def chromium():
    """A window of a fresh Chromium that accepts the test run's own certificate authority."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as profile:
        driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=os.environ | {"NO_PROXY": "localhost,127.0.0.1"},
        )  # fmt: skip
        try:
            while "started successfully" not in (
                driver.stdout.readline() or "started successfully"
            ):
                pass
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False
            ) as http:
                options = {"args": [*_QUIET, f"--user-data-dir={profile}"]}
                wanted = {"timeouts": {"implicit": _PATIENCE_MILLISECONDS}}
                wanted |= {"acceptInsecureCerts": True, "goog:chromeOptions": options}
                answer = http.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
                session = f"http://127.0.0.1:{port}/session/{_value(answer)['sessionId']}"
                http.base_url = f"{session}/"
                try:
                    yield Page(http)
                finally:
                    _value(http.delete(session))  # the browser ends with its session
        finally:
            driver.terminate()
            driver.wait(20)
            driver.stdout.close()


def _value(answer: httpx.Response):
    value = answer.json()["value"]
    assert answer.is_success, f"{value.get('error')}: {value.get('message', '')[:200]}"
    return value
