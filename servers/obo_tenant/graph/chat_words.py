"""A chat message as KQL sees it."""

import html
import re
from datetime import datetime

from obo_tenant.graph.chats import ChatMessage
from obo_tenant.graph.odata.kql import padded_words

_TAG = re.compile(r"<[^>]*>")


def as_plain_text(message: ChatMessage) -> str:
    """The words of a message, without markup."""
    if message.content_type == "text":
        return message.content
    return html.unescape(_TAG.sub(" ", message.content))


class MessageWords:
    """See `odata.kql.Searchable`. `text` is the message without markup."""

    def __init__(self, message: ChatMessage, text: str) -> None:
        self._message = message
        self._text = text

    def words(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        sender = self._message.sender
        return padded_words((sender.name if sender else "") if name == "from" else self._text)

    def flag(self, _name: str) -> str:
        """See `odata.kql.Searchable`: there are none."""
        return ""

    def moment(self, _name: str) -> datetime | None:
        """See `odata.kql.Searchable`."""
        return self._message.at
