"""Mail as Graph tells it."""

from urllib.parse import parse_qs

import httpx

ID_CHARS = 68


def message(number, **changes):
    return {
        "@odata.etag": 'W/"CQAAABYAAAC"',
        "id": f"AAkALg{number:04}".ljust(ID_CHARS - 1, "A") + "=",
        "conversationId": "AAQkAGI1",
        "subject": f"Quarterly figures for the northern region, draft {number}",
        "from": {"emailAddress": {"name": "Megan Bowen", "address": "megan@contoso.example"}},
        "toRecipients": [
            {"emailAddress": {"name": "Adele Vance", "address": "adele@contoso.example"}},
            {"emailAddress": {"name": "Alex Wilber", "address": "alex@contoso.example"}},
        ],
        "receivedDateTime": f"2026-11-{23 - number % 20:02}T08:15:30Z",
        "isRead": number % 2 == 0,
        "flag": {"flagStatus": "notFlagged"},
        "hasAttachments": number % 3 == 0,
        "bodyPreview": "Hello Adele,\r\n\r\nplease find the figures that we discussed on Friday. "
        "The second table still lacks the numbers of the new branch office, which come on Monday.",
    } | changes


class Mailbox:
    """Answers with pages of `messages`, as Graph does: $top, $skip and an absolute nextLink."""

    def __init__(self, messages, origin="https://graph.microsoft.com", skip="$skip"):
        self._messages = messages
        self._origin = origin
        self._skip = skip

    def __call__(self, request):
        options = {k: v[0] for k, v in parse_qs(request.url.query.decode()).items()}
        start, size = int(options.get(self._skip, 0)), int(options["$top"])
        answer = {"value": self._messages[start : start + size]}
        if start + size < len(self._messages):
            link = f"{self._origin}{request.url.path}?{self._skip}={start + size}"
            answer["@odata.nextLink"] = link
        return httpx.Response(200, json=answer)
