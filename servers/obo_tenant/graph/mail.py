"""All that has to do with mail and the people in it, in one place for the routes."""

from obo_tenant.graph import (
    attachment_routes,
    contacts,
    mail_replies,
    mail_routes,
    mail_sending,
    mail_writes,
    people_routes,
    profile,
    user_routes,
)
from obo_tenant.graph.visit import Operation

OPERATIONS: tuple[Operation, ...] = (
    *user_routes.OPERATIONS,
    *profile.OPERATIONS,
    *people_routes.OPERATIONS,
    *contacts.OPERATIONS,
    *mail_routes.OPERATIONS,
    *mail_writes.OPERATIONS,
    *mail_replies.OPERATIONS,
    *mail_sending.OPERATIONS,
    *attachment_routes.OPERATIONS,
)
