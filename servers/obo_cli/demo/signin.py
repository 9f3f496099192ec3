"""Two ways for a person to sign in, both through `obo-mcp login`'s own code."""

import re
import threading
from typing import Any

from obo_cli.credentials import CredentialStore, Login
from obo_cli.demo.browser import Browser
from obo_cli.demo.stage import Stage
from obo_cli.login import SignIn

AGENT_SCOPE = "https://ai.azure.com/user_impersonation"
_USER_CODE = re.compile(r"\bcode ([A-Z0-9-]+)")


def browser_of(stage: Stage, key: str, user_code: str = "") -> Browser:
    """A fresh browser with the person `key` in front of it."""
    person = stage.about["people"][key]
    typed = {
        "name": person["user_principal_name"],
        "password": person["password"],
        "user_code": user_code,
    }
    return Browser(stage.browser(), typed)


def with_device_code(stage: Stage, key: str) -> str:
    """Sign in by device code; the person reads the code and types it into a browser."""

    def announce(message: str) -> None:
        code = _USER_CODE.search(message)
        address = next(word for word in message.split() if word.startswith("https://"))
        browser_of(stage, key, code[1] if code else "").visit(address)

    sign_in = _sign_in(stage, key, announce, lambda _: None)
    return str(sign_in.with_device_code()["access_token"])


def with_browser(stage: Stage, key: str) -> str:
    """Sign in by authorization code and PKCE; the browser comes back to a loopback port."""

    def open_browser(address: str) -> None:
        browser = browser_of(stage, key)
        threading.Thread(target=browser.visit, args=(address,), daemon=True).start()

    sign_in = _sign_in(stage, key, lambda _: None, open_browser)
    return str(sign_in.with_browser()["access_token"])


def _sign_in(stage: Stage, key: str, announce: Any, open_browser: Any) -> SignIn:
    target = Login(
        authority=stage.about["authority"],
        client_id=stage.app("user-app")["client_id"],
        scopes=(AGENT_SCOPE,),
        account="",
        ca_bundle=stage.about["ca_path"],
    )
    store = CredentialStore(stage.folder / f"login-{key}")
    return SignIn(store=store, target=target, announce=announce, open_browser=open_browser)
