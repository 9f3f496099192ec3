"""A mailbox that can be written to: drafts are made, changed, attached to, and leave."""

import json

import httpx

from unit.graph_server.world import error

ROOT = "/v1.0/me/messages"
HISTORY = (
    '<html><head></head><body><hr tabindex="-1"><div id="divRplyFwdMsg">From: Megan</div>'
    "<p>What was quoted</p></body></html>"
)


def person(address, name=""):
    return {"emailAddress": {"name": name or address.split("@")[0].title(), "address": address}}


class Outbox:
    """`sending` says what each send does: `done`, `busy`, or how its answer gets lost."""

    def __init__(self, world):
        self.world = world
        self.network = network = world.network
        self.mails = {}
        self.sent = []
        self.sending = []
        self.uploads = []
        network.on(ROOT, self._create, method="POST")
        network.on("/v1.0/me/mailFolders/sentitems/messages", self._sent_items)

    def add(self, key, **properties):
        mail = {
            "@odata.etag": f'W/"{key}"',
            "id": key,
            "isDraft": True,
            "subject": "",
            "toRecipients": [],
            "ccRecipients": [],
            "bccRecipients": [],
            "importance": "normal",
            "internetMessageId": f"<{key}@contoso.example>",
            "webLink": f"https://outlook.example/owa/?ItemID={key}",
            "body": {"contentType": "text", "content": ""},
        } | properties
        self.mails[key] = mail
        path = f"{ROOT}/{key}"
        self.network.on(path, lambda request: self._get(key))
        self.network.on(path, lambda request: self._patch(key, request), method="PATCH")
        self.network.on(f"{path}/send", lambda request: self._send(key), method="POST")
        self.network.on(
            f"{path}/attachments", lambda request: self._attach(key, request), method="POST"
        )
        for verb in ("createReply", "createReplyAll", "createForward"):
            self.network.on(
                f"{path}/{verb}",
                lambda request, verb=verb: self._answer(key, verb, request),
                method="POST",
            )
        return key

    def draft(self, key="draft-1", *addresses, **properties):
        people = [person(address) for address in addresses or ("megan@contoso.example",)]
        return self.add(key, **({"toRecipients": people, "subject": "Figures"} | properties))

    def received(self, key="mail-1", **properties):
        given = {
            "isDraft": False,
            "subject": "Figures",
            "from": person("megan@contoso.example", "Megan Bowen"),
            "toRecipients": [person("adele@contoso.example"), person("alex@contoso.example")],
            "ccRecipients": [person("pat@fabrikam.example")],
        }
        return self.add(key, **(given | properties))

    def _get(self, key):
        mail = self.mails.get(key)
        return error(404, "ErrorItemNotFound") if mail is None else dict(mail)

    def _create(self, request):
        key = f"made-{len(self.mails)}"
        self.add(key, **json.loads(request.content))
        return httpx.Response(201, json=self.mails[key])

    def _patch(self, key, request):
        wanted = request.headers.get("if-match")
        if wanted and wanted != self.mails[key]["@odata.etag"]:
            return error(412, "ErrorIrresolvableConflict")
        self.mails[key] |= json.loads(request.content)
        return dict(self.mails[key])

    def _answer(self, key, verb, request):
        mail = self.mails[key]
        body = json.loads(request.content or b"{}")
        to, cc = [mail["from"]], []
        if verb == "createReplyAll":
            to += [one for one in mail["toRecipients"] if "adele" not in str(one)]
            cc = mail["ccRecipients"]
        if verb == "createForward":
            to = body["toRecipients"]
        made = f"answer-{len(self.mails)}"
        self.add(
            made,
            subject=f"RE: {mail['subject']}",
            toRecipients=to,
            ccRecipients=cc,
            body={"contentType": "html", "content": HISTORY},
            hasAttachments=verb == "createForward" and mail.get("hasAttachments", False),
        )
        return httpx.Response(201, json=self.mails[made])

    def _attach(self, key, request):
        self.uploads.append((key, json.loads(request.content)))
        return httpx.Response(201, json={"id": "attachment-1"})

    def _send(self, key):
        how = self.sending.pop(0) if self.sending else "done"
        if how in {"done", "lost after", "cut after", "moved after", "late after"}:
            self.sent.append(key)
            self.mails[key] = {**self.mails[key], "isDraft": False}
        if how in {"moved after", "late after"}:
            self.filed = self.mails.pop(key) if how == "moved after" else None
            self.mails.pop(key, None)
        if how.startswith("lost"):
            return error(504, "UnknownError")
        if how.startswith(("cut", "moved", "late")):
            raise httpx.ReadError("reset")
        if how == "busy":
            return error(429, "ApplicationThrottled", Retry_After="7")
        return httpx.Response(202)

    def _sent_items(self, request):
        filed = getattr(self, "filed", None)
        wanted = request.url.params["$filter"]
        found = filed is not None and filed["internetMessageId"] in wanted
        return {"value": [{"id": "elsewhere"}] if found else []}


def writes(world):
    """What would change something, as method and path."""
    return [(r.method, r.url.path) for r in world.network.requests if r.method != "GET"]
