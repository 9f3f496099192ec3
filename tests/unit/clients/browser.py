"""A browser of few words: opens pages over HTTPS, fills in their forms, follows where they lead."""

import ssl
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

GOES_ON = ("accept", "yes", "allow", "continue", "sign", "next")


class Form(HTMLParser):
    """The first form of a page: where it goes and what it asks."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.asks, self.buttons = None, {}, {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.method = attributes.get("action", ""), attributes.get("method", "get")
        elif tag in {"input", "button"}:
            self.take(tag, attributes)

    def take(self, tag, attributes):
        name, kind = attributes.get("name"), attributes.get("type", "text")
        if tag == "button" or kind == "submit":
            self.buttons.append((name, attributes.get("value", "")))
        elif name and kind == "hidden":
            self.fields[name] = attributes.get("value", "")
        elif name:
            self.asks[name] = kind

    def filled(self, person, user_code):
        answers = dict(self.fields)
        for name, kind in self.asks.items():
            text = person["user_principal_name"] if kind == "email" else user_code
            answers[name] = person["password"] if kind == "password" else text
        named = [button for button in self.buttons if button[0]]
        going_on = [b for b in named if any(word in b[1].lower() for word in GOES_ON)]
        answers.update((going_on or named)[:1])
        return answers


class Browser:
    """One person's browser. Has its own cookies, trusts the tenant's certificate authority."""

    def __init__(self, ca_path, person):
        context = ssl.create_default_context(cafile=str(ca_path))
        self.http = httpx2.Client(verify=context, trust_env=False, timeout=10)
        self.person = person

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def sign_in(self, url, *, stop_at=None, user_code=""):
        """Go from page to page. Gives the query of `stop_at` when sent there, else the last page.

        With `stop_at=None` redirects are followed and the last response is given.
        """
        response = self.http.get(url)
        for _ in range(8):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["Location"])
                if stop_at and target.startswith(stop_at):
                    return dict(parse_qsl(urlsplit(target).query))
                response = self.http.get(target)
                continue
            form = Form(response.text)
            if form.action is None:
                return response
            target = urljoin(str(response.url), form.action)
            response = self.http.request(
                form.method.upper(), target, data=form.filled(self.person, user_code)
            )
        raise AssertionError(f"the pages go round in circles at {response.url}: {response.text}")
