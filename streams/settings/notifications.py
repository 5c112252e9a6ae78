"""`[notifications]`: who is sent an e-mail or a webhook when something broke, and when it is well again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from streams.messages.recipient_edit import Reports
from streams.settings.model import Count, Port, Present, SettingsTable, TimeZone, wrong
from streams.settings.problems import Problem
from streams.settings.secrets import PREFIX, ReadFile, read_secret

SMTP_PASSWORD = PREFIX + "SMTP_PASSWORD"


def webhook_variable(recipient: str) -> str:
    """The environment variable with the address of a recipient's webhook: whoever knows it may post there, so it is a credential."""
    return f"{PREFIX}NOTIFICATIONS_{recipient.upper().replace('-', '_')}_WEBHOOK_URL"


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise wrong("a time of the day", "such as 07:30 or 22:00")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"()\\\[\]]{1,64}@[A-Za-z0-9.-]{1,255}", value):
        raise wrong("an e-mail address", "such as ann@example.com")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", value):
        raise wrong("a name of small letters, digits, dashes and underscores", "such as operations")
    return value


Clock = Annotated[str, AfterValidator(_clock)]
Address = Annotated[str, AfterValidator(_address), Field(description="an e-mail address, such as sync@example.com")]


def minute_of(clock: str) -> int:
    """`07:30` as a minute of the day."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


class Smtp(SettingsTable):
    """The server that sends our e-mails. With a `username`, the password is in the environment."""

    host: Annotated[Present, Field(description="the name of an SMTP server")]
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Present | None = None
    sender: Address

    @model_validator(mode="after")
    def _keeps_the_password_secret(self) -> Smtp:
        if self.username is not None and self.security == "none":
            raise wrong("security starttls or tls where there is a username", "a password must not be sent in the open")
        return self


class Quiet(SettingsTable):
    """When nobody wants to be disturbed. `but_worst`: all the same when everything is at a halt, or an opt-out is late."""

    begin: Annotated[Clock, Field(description="a time of the day, such as 22:00")]
    end: Annotated[Clock, Field(description="a time of the day, such as 07:00")]
    but_worst: bool = True


class Recipient(SettingsTable):
    """`[[notifications.recipients]]`: some addresses or a webhook. Without `connections`: about all, and the deployment itself.

    `reports`: when something broke and when it works again, the first alone, or nothing but the daily summary.
    """

    name: Annotated[str, AfterValidator(_name), Field(description="a name, such as operations")]
    emails: list[Address] = Field(default_factory=list, max_length=50)
    webhook: bool = False
    connections: list[Present] = Field(default_factory=list)
    reports: Reports = "broke and recovered"
    time_zone: TimeZone = ""
    daily_summary: Clock | None = None
    quiet: Quiet | None = None

    @model_validator(mode="after")
    def _has_one_way(self) -> Recipient:
        if bool(self.emails) == self.webhook:
            got = "both" if self.webhook else "neither"
            raise wrong("either emails or webhook = true", f"it has {got}; make a recipient for each")
        if self.reports == "nothing" and self.daily_summary is None:
            raise wrong("a daily summary, as nothing else is sent", "such as 08:00")
        if self.quiet is not None and self.daily_summary is not None:
            begin, end, at = (minute_of(one) for one in (self.quiet.begin, self.quiet.end, self.daily_summary))
            if begin <= at < end or (begin > end and (at >= begin or at < end)):
                raise wrong("a daily_summary outside of the quiet hours", f"not {self.daily_summary}")
        return self


class Notifications(SettingsTable):
    """How all of them are sent. A problem is reported once it has lasted for `after_seconds`, and its end the same.

    `private_webhooks`: a webhook that is set in the console may be at an address of a private network, too, and without https.
    """

    after_seconds: Annotated[float, Field(ge=1, le=86_400, description="a number of seconds, 1 to 86400")] = 120.0
    group_seconds: Annotated[float, Field(ge=0, le=3600, description="a number of seconds, 0 to 3600")] = 30.0
    reminder_hours: Annotated[float, Field(ge=1, le=720, description="a number of hours, 1 to 720")] = 24.0
    most_per_hour: Annotated[Count, Field(le=60, description="a whole number, 1 to 60")] = 6
    private_webhooks: bool = False
    smtp: Smtp | None = None
    recipients: list[Recipient] = Field(default_factory=list, max_length=200)

    @model_validator(mode="after")
    def _is_whole(self) -> Notifications:
        names = [one.name.replace("-", "_") for one in self.recipients]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise wrong("a name of its own for each recipient", f"{twice[0]!r} is there twice")
        if self.smtp is None and (by_mail := next((one.name for one in self.recipients if one.emails), "")):
            raise wrong("a table [notifications.smtp]", f"recipient {by_mail!r} has emails")
        return self


class NotificationSecrets(BaseModel):
    """What the environment has for them. None of it shows in a `repr`."""

    model_config = ConfigDict(frozen=True)

    smtp_password: SecretStr | None = None
    webhooks: dict[str, SecretStr] = Field(default_factory=dict)


def notification_secrets(
    found: Notifications, environ: Mapping[str, str], read_file: ReadFile, problems: list[Problem]
) -> NotificationSecrets:
    """The secrets of the recipients that the environment has. What is wrong with them is appended to `problems`."""
    webhooks: dict[str, SecretStr] = {}
    for recipient in (one for one in found.recipients if one.webhook):
        name = webhook_variable(recipient.name)
        secret = read_secret(name, environ, read_file, problems)
        if secret is None:
            continue
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", secret.get_secret_value()):
            problems.append(Problem(None, name, "an http or https address", "another text (not shown)"))
            continue
        webhooks[recipient.name] = secret
    return NotificationSecrets(
        smtp_password=read_secret(SMTP_PASSWORD, environ, read_file, problems), webhooks=webhooks
    )


def missing_notification_secrets(found: Notifications, secrets: NotificationSecrets) -> Iterator[tuple[str, str]]:
    """The variable of each secret that is missing, and where its value is found."""
    if found.smtp is not None and found.smtp.username is not None and secrets.smtp_password is None:
        yield SMTP_PASSWORD, f"the password of {found.smtp.username} at {found.smtp.host}"
    for recipient in found.recipients:
        if recipient.webhook and recipient.name not in secrets.webhooks:
            yield webhook_variable(recipient.name), "the webhook's address, such as Slack shows it"
