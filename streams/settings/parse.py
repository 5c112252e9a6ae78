"""From the text of a configuration file and an environment to `Settings`, or to every problem in them. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from streams.mapping import (
    CompiledMapping,
    Locale,
    MappingFault,
    MappingFaults,
    compile_mapping,
    did_you_mean,
    locale_of,
    shown,
)
from streams.settings.connection_table import NAME, NAME_EXPECTED, ConnectionTable
from streams.settings.console import Console, ConsoleSecrets
from streams.settings.console_secrets import console_secrets
from streams.settings.model import (
    CONNECTION_SECRETS,
    DIRECTIONS,
    Connection,
    GatewaySettings,
    Kafka,
    KafkaSecrets,
    Secrets,
    WorkerSettings,
)
from streams.settings.notifications import (
    Notifications,
    NotificationSecrets,
    missing_notification_secrets,
    notification_secrets,
)
from streams.settings.oauth import OAuth, OAuthSecrets
from streams.settings.overlay import NO_OVERLAY, EditedConnection, Overlay, apply_overlay, syntax_problem
from streams.settings.overrides import apply_overrides, overridden
from streams.settings.problem_text import dotted, explain
from streams.settings.problems import Problem, SettingsError
from streams.settings.required_secrets import SecretsOwner, misfits, missing_secrets
from streams.settings.secrets import (
    ReadFile,
    connection_secrets,
    kafka_secrets,
    oauth_secrets,
    secrets_in_file,
)
from streams.settings.settings import Origin, Settings
from streams.settings.toml_lines import Path, line_numbers, line_of

SECTIONS = ("kafka", "gateway", "worker", "oauth", "console", "notifications", "connections", "mappings")

T = TypeVar("T", bound=BaseModel)


def _no_files(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


def parse_settings(
    text: str,
    environ: Mapping[str, str] | None = None,
    *,
    read_file: ReadFile = _no_files,
    source: str = "lofty-ghl.toml",
    overlay: Overlay = NO_OVERLAY,
    required: Collection[str] = (),
    sections: Collection[str] = SECTIONS,
) -> Settings:
    """Read a configuration. Raises `SettingsError` with every problem at once.

    `overlay` are mappings and connections that were edited since; the lines of a mapping's problems are those of its own text.

    `sections` are the ones to read; the others count as absent.

    `read_file` gives the text of a file that a `*_FILE` variable names; it may raise `OSError`.
    Credentials that are missing are a problem where they are among `required` (names of `streams/settings/required_secrets.py`).
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(source, [syntax_problem(str(error), text)]) from None
    tables = {key: value for key, value in tables.items() if key in sections or key not in SECTIONS}
    found = _parsed(tables, {(): 1}, environ or {}, read_file, overlay, required)
    if found.problems:
        # Which line each thing is on is only looked for where something is wrong: it takes as long as reading the file.
        found = _parsed(tables, line_numbers(text), environ or {}, read_file, overlay, required)
    if found.settings is None or found.problems:
        # Where only credentials are missing, nothing is wrong with the file.
        raise SettingsError("environment" if found.is_usable else source, found.problems)
    again = partial(parse_settings, text, environ, read_file=read_file, source=source, sections=sections)
    return found.settings.model_copy(
        update={"mapping_version": overlay.version, "origin": Origin(text, source, lambda over: again(overlay=over))}
    )


@dataclass(frozen=True, slots=True)
class _Parsed:
    """`is_usable`: only credentials are missing."""

    settings: Settings | None
    problems: list[Problem]
    is_usable: bool


def _parsed(
    written: dict[str, Any],
    lines: dict[Path, int],
    environ: Mapping[str, str],
    read_file: ReadFile,
    overlay: Overlay,
    required: Collection[str],
) -> _Parsed:
    problems: list[Problem] = []
    tables, lines = apply_overlay(written, lines, overlay, problems)
    edited = {one.label: one for one in overlay.connections}
    parser = _Parser(lines, environ, read_file, problems, edited=edited)
    settings = parser.settings(tables)
    is_usable = settings is not None and not parser.problems
    parser.require(required)
    return _Parsed(settings, parser.problems, is_usable)


@dataclass(slots=True)
class _Parser:
    lines: dict[Path, int]
    environ: Mapping[str, str]
    read_file: ReadFile
    problems: list[Problem] = field(default_factory=list)
    compiled: dict[tuple[str, str, Locale], CompiledMapping] = field(default_factory=dict)
    """Mappings by name and tag rules: connections that have the same share one."""
    edited: Mapping[str, EditedConnection] = field(default_factory=dict)
    """The connections that are not in the file, by label. Their credentials are never in the environment, nor their lines in the file."""
    owners: dict[str, SecretsOwner] = field(default_factory=dict)
    oauth_secrets: OAuthSecrets = field(default_factory=OAuthSecrets)
    console_secrets: ConsoleSecrets | None = None
    missing_notifications: tuple[tuple[str, str], ...] = ()
    """Variables that notifications need and the environment lacks, each with where its value is found."""

    def require(self, asked: Collection[str]) -> None:
        """Add which of these credentials are missing. A credential that is set and wrong has its problem already."""
        reported = {problem.where.removesuffix("_FILE") for problem in self.problems}
        found = missing_secrets(
            asked, self.owners, self.oauth_secrets, self.console_secrets, self.missing_notifications
        )
        self.problems += [problem for problem in found if problem.where not in reported]

    def settings(self, written: dict[str, Any]) -> Settings | None:
        tables = self._without_secrets(written)
        tables = apply_overrides(tables, self.environ, self.problems)
        for key in tables:
            if key not in SECTIONS:
                hint = did_you_mean(key, SECTIONS)
                self._add((key,), f"one of {', '.join(SECTIONS)}", "an unknown key", hint)
        kafka = self._table(Kafka, ("kafka",), tables)
        gateway = self._table(GatewaySettings, ("gateway",), tables)
        worker = self._table(WorkerSettings, ("worker",), tables)
        oauth = self._table(OAuth, ("oauth",), tables)
        console = self._table(Console, ("console",), tables)
        notifications = self._table(Notifications, ("notifications",), tables)
        mappings = self._mappings(tables)
        connections = self._connections(tables, mappings)
        of_kafka = kafka_secrets(self.environ, self.read_file, self.problems)
        secrets = oauth_secrets(self.environ, self.read_file, self.problems)
        of_console = console_secrets(self.environ, self.read_file, self.problems)
        self.oauth_secrets = secrets
        self.console_secrets = of_console if console is not None and console.enabled else None
        self._check_console(console, of_console)
        of_notifications = self._notification_secrets(console, notifications)
        self._check_oauth(connections, oauth)
        self._check_shared_limits(connections)
        self._check_doors(kafka, of_kafka)
        if self.problems or kafka is None or gateway is None or worker is None or oauth is None or console is None:
            return None
        if notifications is None:
            return None
        return Settings(
            kafka=kafka,
            kafka_secrets=of_kafka,
            gateway=gateway,
            worker=worker,
            oauth=oauth,
            oauth_secrets=secrets,
            console=console,
            console_secrets=of_console,
            notifications=notifications,
            notification_secrets=of_notifications,
            connections=connections,
        )

    def _add(self, path: tuple[str, ...], expected: str, got: str, hint: str = "") -> None:
        is_edited = path[:1] == ("connections",) and path[1:2] and path[1] in self.edited
        line = None if is_edited else line_of(self.lines, path)
        self.problems.append(Problem(line, dotted(path), expected, got, hint))

    def _without_secrets(self, tables: dict[str, Any]) -> dict[str, Any]:
        """The tables without what looks like a credential; each of those is a problem, and its value is never shown."""
        suspects = {suspect.path: suspect for suspect in secrets_in_file(tables)}
        for suspect in suspects.values():
            got = "something that looks like one (not shown)"
            self._add(suspect.path, "no credential in this file", got, suspect.hint)

        def copy(value: Any, path: tuple[str, ...]) -> Any:
            if path in suspects:
                return "not-shown"
            if isinstance(value, list):
                return [copy(one, (*path, str(index))) for index, one in enumerate(value)]
            if not isinstance(value, dict):
                return value
            kept = [key for key in value if (*path, key) not in suspects or not suspects[(*path, key)].is_key]
            return {key: copy(value[key], (*path, key)) for key in kept}

        copied: dict[str, Any] = copy(tables, ())
        return copied

    def _table(self, model: type[T], path: tuple[str, ...], tables: Mapping[str, Any]) -> T | None:
        """Validate the table at `path`; the problem of an override names its variable."""
        try:
            return model.model_validate(tables.get(path[-1], {}))
        except ValidationError as error:
            from_environ = overridden(self.environ)
            for problem in explain(error, model, path, self.lines):
                table, _, key = problem.where.partition(".")
                name = from_environ.get((table, key))
                if name:
                    problem = Problem(None, name, problem.expected, problem.got, problem.hint)
                self.problems.append(problem)
            return None

    def _mappings(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        """The tables of mappings, each compiled once so that its faults are reported once. Broken ones become None."""
        mappings = tables.get("mappings", {})
        if not isinstance(mappings, dict):
            self._add(("mappings",), "tables [mappings.NAME]", shown(mappings))
            return {}
        usable: dict[str, Any] = dict(mappings)
        for name in mappings:
            if name == "default" or not NAME.fullmatch(name):
                expected = NAME_EXPECTED if name != "default" else "another name: this one is built in"
                self._add(("mappings", name), expected, repr(name), 'extends = "default" starts from it')
                usable[name] = None
                continue
            try:
                compile_mapping(name, mappings)
            except MappingFaults as error:
                for fault in error.faults:
                    self._add_fault(name, fault)
                usable[name] = None
        return usable

    def _add_fault(self, mapping: str, fault: MappingFault) -> None:
        self._add(("mappings", mapping, *fault.path), fault.expected, fault.got, fault.hint)

    def _connections(self, tables: Mapping[str, Any], mappings: dict[str, Any]) -> dict[str, Connection]:
        connections = tables.get("connections", {})
        if not isinstance(connections, dict):
            self._add(("connections",), "tables [connections.NAME]", shown(connections))
            return {}
        built: dict[str, Connection] = {}
        variables: dict[str, str] = {}
        for name, written in connections.items():
            path = ("connections", name)
            if not NAME.fullmatch(name):
                self._add(path, NAME_EXPECTED, repr(name), _name_hint(name))
                continue
            twin = variables.setdefault(name.replace("-", "_"), name)
            if twin != name:
                self._add(path, "a name of its own", repr(name), f"its variables are those of {twin!r}")
            connection = self._connection(name, written, mappings)
            if connection is None:
                continue
            if (other := built.get(connection.name)) is not None:
                key = (*path, "id") if connection.has_id else path
                self._add(key, "an id of its own", repr(connection.name), f"it is the id of {other.label!r}")
                continue
            built[connection.name] = connection
        return built

    def _connection(self, name: str, written: Any, mappings: dict[str, Any]) -> Connection | None:
        edited, secrets, path = self.edited.get(name), Secrets(), ("connections", name)
        if edited is None:
            secrets = connection_secrets(name, self.environ, self.read_file, self.problems)
            self.owners[name] = SecretsOwner(secrets, _by_oauth(written))
        is_known = self._check_mapping_name(written, path, mappings)
        try:
            table = ConnectionTable.model_validate(written)
        except ValidationError as error:
            found = explain(error, ConnectionTable, path, self.lines)
            self.problems += found if edited is None else (replace(one, line=None) for one in found)
            return None
        if not is_known or mappings.get(table.mapping, {}) is None:
            return None
        locale = locale_of(table.region, table.locale, table.time_zone)
        same = (table.mapping, table.tags.model_dump_json(), locale)
        mapping = self.compiled.get(same) or compile_mapping(table.mapping, mappings, tags=table.tags, locale=locale)
        self.compiled[same] = mapping
        return Connection(
            name=table.id or name,
            label=name,
            has_id=table.id is not None,
            region=table.region,
            lofty=table.lofty,
            ghl=table.ghl,
            policies=table.policies,
            sweep=table.sweep,
            appointments=table.appointments,
            opt_outs=table.opt_outs,
            stages=tuple(one.pair for one in table.stages),
            paused=tuple(one for one in DIRECTIONS if one in table.paused),
            back=table.rules_back(),
            secrets=secrets,
            mapping=mapping,
            mapping_fingerprint=table.fingerprint(mapping.fingerprint),
            managed="file" if edited is None else "console",
            version=edited.version if edited is not None else 0,
        )

    def _check_mapping_name(self, written: Any, path: tuple[str, ...], mappings: Mapping[str, Any]) -> bool:
        name = written.get("mapping", "default") if isinstance(written, dict) else "default"
        known = ("default", *mappings)
        if isinstance(name, str) and name not in known:
            expected = f"the name of a mapping ({', '.join(known)})"
            self._add((*path, "mapping"), expected, repr(name), did_you_mean(name, known))
            return False
        return True

    def _check_console(self, console: Console | None, secrets: ConsoleSecrets) -> None:
        """Each name once, and at least one user."""
        if console is None:
            return
        users = [one.name for one in console.users]
        tokens = [one.name for one in (*console.tokens, *secrets.tokens)]
        for key, names in (("users", users), ("tokens", tokens)):
            for position, name in enumerate(names):
                if name in names[:position]:
                    self._add(("console", key, str(position), "name"), "a name of its own", repr(name))
        if console.enabled and not (console.users or console.tokens or secrets.tokens or console.oidc):
            hint = "a person: lofty-ghl console hash-password --name ann --role operator"
            self._add(
                ("console", "enabled"),
                "somebody in [[console.users]], [console.oidc] or [[console.tokens]]",
                "nobody",
                hint,
            )

    def _notification_secrets(self, console: Console | None, found: Notifications | None) -> NotificationSecrets:
        """The secrets of the recipients. Notifications are sent by the gateway's console, so that has to be enabled."""
        if found is None:
            return NotificationSecrets()
        secrets = notification_secrets(found, self.environ, self.read_file, self.problems)
        self.missing_notifications = tuple(missing_notification_secrets(found, secrets))
        if found.recipients and console is not None and not console.enabled:
            hint = "the console's process sends notifications"
            self._add(("notifications", "recipients"), "[console] with enabled = true", "no console", hint)
        return secrets

    def _check_oauth(self, connections: Mapping[str, Connection], oauth: OAuth | None) -> None:
        """A connection by OAuth needs the app by which it is connected."""
        if oauth is None:
            return
        for one in connections.values():
            for side, is_used, app in (
                ("ghl", one.ghl.auth == "oauth", oauth.ghl),
                ("lofty", one.lofty.auth == "oauth", oauth.lofty),
            ):
                if is_used and app is None:
                    path = ("connections", one.label, side, "auth")
                    self._add(path, f"a table [oauth.{side}] with a client_id", "none", "or use fixed credentials")

    def _check_shared_limits(self, connections: Mapping[str, Connection]) -> None:
        """One budget, one limit: connections that share one must agree on it, and no pair is connected twice."""
        lofty: dict[str, Connection] = {}
        ghl: dict[str, Connection] = {}
        pairs: dict[tuple[str, str], str] = {}
        for one in connections.values():
            name = one.label
            first = lofty.setdefault(one.lofty_budget, one)
            if first.lofty.requests_per_minute != one.lofty.requests_per_minute:
                hint = f"{first.label} shares the budget {one.lofty_budget!r}"
                path = ("connections", name, "lofty", "requests_per_minute")
                self._add(path, str(first.lofty.requests_per_minute), str(one.lofty.requests_per_minute), hint)
            other = ghl.setdefault(one.ghl_budget, one)
            for key in ("requests_per_window", "window_seconds", "requests_per_day", "live_reserve"):
                if getattr(other.ghl, key) != getattr(one.ghl, key):
                    path = ("connections", name, "ghl", key)
                    hint = f"{other.label} has the same location, so the same limit"
                    self._add(path, str(getattr(other.ghl, key)), str(getattr(one.ghl, key)), hint)
            twin = pairs.setdefault((one.lofty.team_id, one.ghl.location_id), name)
            if twin != name:
                self._add(("connections", name), "another team or location", f"those of {twin!r}")

    def _check_doors(self, kafka: Kafka | None, secrets: KafkaSecrets) -> None:
        for one in misfits(kafka, secrets) if kafka is not None else ():
            if one.is_setting:
                self._add(("kafka", one.where), one.expected, one.got, one.hint)
            else:
                self.problems.append(Problem(None, one.where, one.expected, one.got, one.hint))


def _by_oauth(written: Any) -> list[str]:
    """The credentials of a connection's table, valid or not, that OAuth replaces."""
    sides = {"lofty_api_key": "lofty", "ghl_token": "ghl"}
    tables = {name: written.get(side) if isinstance(written, dict) else None for name, side in sides.items()}
    return [
        name for name in CONNECTION_SECRETS if isinstance(one := tables.get(name), dict) and one.get("auth") == "oauth"
    ]


def _name_hint(name: str) -> str:
    fixed = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return f"such as {fixed}" if NAME.fullmatch(fixed) else ""
