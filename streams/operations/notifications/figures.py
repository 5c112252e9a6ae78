"""What messages to one recipient are made with: its zone, names and links, and the figures of its daily summary. Pure."""

from __future__ import annotations

from streams.core.notifications.news import News
from streams.operations.notifications.recipients import Subscriber
from streams.operations.notifications.words import Figures, Text, Wording
from streams.operations.status.health import problems_of
from streams.operations.status.overview import Overview
from streams.settings import Settings


def wording_of(settings: Settings, to: Subscriber) -> Wording:
    """How texts for a recipient are made."""
    labels = {name: one.label for name, one in settings.connections.items()}
    return Wording(to.rules.zone, labels, settings.gateway.public_url or "")


def text_of(settings: Settings, to: Subscriber, news: News, found: Overview | None) -> Text:
    """The words of news for a recipient. The overview is None while Kafka is away."""
    wording = wording_of(settings, to)
    if news.is_summary and found is not None:
        return wording.summary(news, figures_of(found, to))
    return wording.news(news)


def figures_of(found: Overview, to: Subscriber) -> Figures:
    """The figures of a recipient's connections."""
    own = [one for one in found.connections if not to.connections or one.connection in to.connections]
    names = {one.connection for one in own}
    hit = {name for problem in problems_of(found) for name in problem.about.connections}
    links = [one.links for one in own]
    conflicts = [one.conflicts for one in own if one.conflicts is not None]
    return Figures(
        connections=len(own),
        with_problems=len(names & hit),
        records_in_ghl=sum(one for one in links if one is not None) if None not in links else None,
        on_the_way=sum(sum(one.undelivered.values()) for one in own),
        parked=sum(sum(one.parked.values()) for one in own),
        conflicts=sum(conflicts) if conflicts else None,
    )
