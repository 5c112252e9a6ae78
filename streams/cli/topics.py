"""`lofty-ghl topics`: shows the topics in Kafka, and creates missing ones."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.shared import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    count_of,
    print_findings,
    print_json,
    refuse,
    refuse_on,
    say,
    settings_or_refuse,
    with_kafka,
)

if TYPE_CHECKING:
    from streams.core.topic_export.wanted import Wanted
    from streams.kafka.admin import TopicState
    from streams.settings import Settings

topics = typer.Typer(
    name="topics", help="Show, check and export the topics, and create those that are missing.", no_args_is_help=True
)


class ExportFormat(StrEnum):
    """Which program makes the topics."""

    STRIMZI = "strimzi"
    TERRAFORM = "terraform"
    JSON = "json"


@topics.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show each topic with its settings and problems. Exit code 1 when there are any.

    Example: lofty-ghl topics show
    """
    settings = settings_or_refuse(config)
    states = _states(settings)
    _say_unseen(settings, states)
    if as_json:
        rows = [
            {"topic": s.name, "partitions": s.partitions, "wanted": dict(s.wanted), "problem": s.problem}
            for s in states
        ]
        print_json(rows)
    else:
        _print(states)
    raise typer.Exit(1 if any(state.problem for state in states) else 0)


@topics.command()
def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say in a line for each topic what is wrong with it. Exit code 1 when anything is.

    For topics that other programs make (`topics export`). Longer and larger retention, larger messages, other segments and more
    replicas are as good as what is asked for.

    Example: lofty-ghl topics check
    """
    settings = settings_or_refuse(config)
    states = _states(settings)
    _say_unseen(settings, states)
    wrong = {state.name: state.problem or state.too_few_replicas for state in states}
    problems = [{"topic": name, "problem": problem} for name, problem in wrong.items() if problem]
    lines = [f"{one['topic']}: {one['problem']}" for one in problems]
    print_findings(problems, lines or [f"all {count_of(len(states), 'topic')} are right"], as_json=as_json)
    raise typer.Exit(1 if problems else 0)


@topics.command()
def export(
    form: Annotated[ExportFormat, typer.Option("--format", help="For Strimzi, for Terraform, or plain JSON.")],
    config: ConfigOption = DEFAULT_CONFIG,
    user: Annotated[str, typer.Option(help="Who works with the topics. [default: kafka.sasl_username]")] = "",
    checker: Annotated[str, typer.Option(help="Who runs `topics check`. [default: the user, and -admin]")] = "",
    cluster: Annotated[str, typer.Option(help="Strimzi: the name of the Kafka resource.")] = "kafka",
    namespace: Annotated[str, typer.Option(help="Strimzi: the namespace of the resources.")] = "",
    rights: Annotated[bool, typer.Option("--acls/--no-acls", help="Also the permissions on the topics.")] = True,
) -> None:
    """Print all topics that must exist, with their settings, and the permissions on them, for a program that makes them.

    strimzi: KafkaTopic and KafkaUser, for `kubectl apply -f -`. terraform: kafka_topic and kafka_acl of the provider Mongey/kafka.
    json: a list of topics and a list of permissions. deploy/topics.md describes each. `topics check` then says whether all is right.

    Example: lofty-ghl topics export --format strimzi --cluster my-cluster
    """
    from dataclasses import replace

    from streams.core.topic_export.wanted import wanted
    from streams.kafka.partition_count import is_given

    settings = settings_or_refuse(config)
    if not is_given(settings):
        say(
            f"kafka.partitions is not set, and no topics were found: these have {settings.kafka.partitions} partitions, as those of a new "
            "deployment"
        )
    user = user or settings.kafka.sasl_username or "lofty-ghl"
    found = wanted(settings, user, checker or f"{user}-admin")
    if not rights:
        found = replace(found, rights=())
    match form:
        case ExportFormat.JSON:
            from streams.core.topic_export.plain import plain_document

            print_json(plain_document(found))
        case ExportFormat.TERRAFORM:
            from streams.core.topic_export.terraform import terraform_resources

            typer.echo(terraform_resources(found), nl=False)
        case ExportFormat.STRIMZI:
            typer.echo(_for_strimzi(settings, found, cluster, namespace), nl=False)


def _for_strimzi(settings: Settings, found: Wanted, cluster: str, namespace: str) -> str:
    from streams.core.topic_export.strimzi import is_resource_name, strimzi_documents

    names = {"--cluster": (cluster,), "--user": tuple(dict.fromkeys(right.user for right in found.rights))}
    for option, given in names.items():
        for name in given:
            if not is_resource_name(name):
                refuse(
                    f"{option}: expected the name of a resource of Kubernetes (lower-case letters, digits, - and .), got {name!r}"
                )
    kafka = settings.kafka
    authentication = "scram-sha-512" if kafka.sasl_mechanism == "SCRAM-SHA-512" else "tls" if kafka.ssl_certfile else ""
    return strimzi_documents(found, cluster, namespace, authentication)


@topics.command()
def create(
    config: ConfigOption = DEFAULT_CONFIG,
    accept_lost: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-lost",
            metavar="TABLE",
            help="Accept that this table (or topic) has lost rows, and restore what can be; stop all workers first.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create missing topics. Never changes an existing one. Exit code 1 when an existing one has a problem.

    This is the first command of a deployment. So it refuses, with 2, a configuration that gateway or workers would refuse
    later, and names every missing credential.

    In a deployment that has run, it refuses, with 2, to create a lost topic that held state: workers would start with an empty
    table and write notes a second time. `--accept-lost` creates it, and restores the rows that local copies and receipts still
    hold; it sets aside and keeps copies that no longer belong to it. Run it on each machine with workers.

    Example: lofty-ghl topics create
    """
    from streams.kafka.admin import StateMissing, create_missing
    from streams.settings.required_secrets import ALL_SECRETS

    settings = settings_or_refuse(config, *ALL_SECRETS)
    if accept_lost:
        _accept(settings, accept_lost, as_json=as_json)
        return
    with refuse_on(StateMissing):
        created = with_kafka(settings, lambda: create_missing(settings), checks_topics=False)
    states = _states(settings)
    _say_unseen(settings, states)
    problems = [state for state in states if state.problem]
    if as_json:
        print_json({"created": created, "problems": {state.name: state.problem for state in problems}})
    else:
        for name in created:
            typer.echo(f"created {name}")
        if not created:
            typer.echo("nothing to do: every topic exists")
        if problems:
            _print(problems)
    raise typer.Exit(1 if problems else 0)


def _accept(settings: Settings, tables: list[str], *, as_json: bool) -> None:
    from dataclasses import asdict

    from streams.kafka.admin import StateMissing, state_topics
    from streams.kafka.tables import StoreFailed
    from streams.messages.topics import TopicNames
    from streams.operations.accept_lost import StillAtWork, accept_lost

    known = sorted({*state_topics(TopicNames(settings.kafka.topic_prefix)).values()})
    if unknown := [table for table in tables if table not in known]:
        refuse(f"--accept-lost: no table {unknown[0]!r}; there are {', '.join(known)}")
    try:
        found = with_kafka(settings, lambda: accept_lost(settings, tables), checks_topics=False)
    except (StateMissing, StillAtWork, StoreFailed) as error:
        refuse(str(error))
    if as_json:
        print_json(asdict(found))
        return
    for name in found.created:
        typer.echo(f"created {name}")
    for table, number in found.put_back.items():
        typer.echo(f"{table}: restored {count_of(number, 'row')}")
    for folder in found.aside:
        typer.echo(f"kept {folder}: the earlier copy; delete it when nobody needs it")


def _states(settings: Settings) -> list[TopicState]:
    from streams.kafka.admin import inspect

    return with_kafka(settings, lambda: inspect(settings), checks_topics=False)


def _say_unseen(settings: Settings, states: list[TopicState]) -> None:
    from streams.kafka.error_texts import missing_right

    if unseen := [state.name for state in states if not state.is_compared]:
        say(f"the settings of topics were not compared: {missing_right(settings.kafka, 'DescribeConfigs', unseen)}")


def _print(states: list[TopicState]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("topic", "partitions", "settings", "state")
    for state in states:
        config = ", ".join(f"{key}={value}" for key, value in state.wanted.items())
        table.add_row(state.name, str(state.partitions or "-"), config, state.problem or "ok")
    Console().print(table)
