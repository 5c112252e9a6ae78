"""What is exported is what is asked for, in each format, read back by libraries that know nothing of us."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli.root import app
from streams.core.topic_export.plain import plain_document
from streams.core.topic_export.strimzi import is_resource_name, resource_name, strimzi_documents
from streams.core.topic_export.terraform import terraform_resources
from streams.core.topic_export.wanted import Wanted, wanted
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.settings.model import GatewaySettings, Kafka, WorkerSettings
from streams.settings.wanted_topics import wanted_topics
from tests.kafka.acl_page import rights_of_the_page
from tests.kafka.exported import FORMATS, read_export

RUN = CliRunner()
PLAIN = "[kafka]\npartitions = 4\n"
"""With the number of partitions, or Kafka would be asked for it."""
SECRETS = {"LOFTY_GHL_KAFKA_PASSWORD": "of-app"}


def settings_of(**kafka: Any) -> Settings:
    return Settings(kafka=Kafka(**kafka), gateway=GatewaySettings(), worker=WorkerSettings(), connections={})


def exported(form: str, folder: Path, config: str, *options: str) -> tuple[int, str]:
    """What the command prints."""
    file = folder / "lofty-ghl.toml"
    file.write_text(config)
    found = RUN.invoke(app, ["topics", "export", "--format", form, "--config", str(file), *options], env=SECRETS)
    return found.exit_code, found.stdout or found.stderr


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("prefix", ["crm.", "Staging_", ""])
def test_each_format_has_each_topic_as_it_is_asked_for(form: str, prefix: str, tmp_path: Path) -> None:
    """Partitions, replicas and settings, of changelogs too; nothing else."""
    config = f'[kafka]\ntopic_prefix = "{prefix}"\npartitions = 7\nreplication_factor = 3\n'
    code, text = exported(form, tmp_path, config)
    settings = settings_of(topic_prefix=prefix, partitions=7, replication_factor=3)
    expected = {one.name: (one.partitions, 3, dict(one.config)) for one in wanted_topics(settings)}
    assert (code, read_export(form, text).topics) == (0, expected)
    assert set(expected) == set(TopicNames(prefix).specs())


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_has_the_rights_of_the_page(form: str, tmp_path: Path) -> None:
    """But for Create: the program that reads the export creates."""
    code, text = exported(form, tmp_path, f'{PLAIN}topic_prefix = "crm."\n', "--user", "app", "--checker", "admin")
    expected = {
        (f"User:{one.user}", one.kind.name.lower(), one.name, "prefixed" if one.is_prefix else "literal", one.word)
        for one in rights_of_the_page()
        if one.word != "Create"
    }
    assert (code, read_export(form, text).rights) == (0, expected)
    assert read_export(form, exported(form, tmp_path, PLAIN, "--no-acls")[1]).rights == frozenset()


@pytest.mark.parametrize("found", [0, 12])
def test_a_number_that_nobody_gave_is_that_of_the_topics_or_is_said(
    found: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that makes topics must not be given the number of a new deployment in silence."""

    async def answers(settings: Settings) -> dict[str, int]:
        return dict.fromkeys(TopicNames().specs(), found) if found else {}

    monkeypatch.setattr("streams.kafka.partition_count.reach", answers)
    file = tmp_path / "lofty-ghl.toml"
    file.write_text("")
    printed = RUN.invoke(app, ["topics", "export", "--format", "json", "--config", str(file)])
    numbers = {number for number, _, _ in read_export("json", printed.stdout).topics.values()}
    assert (numbers, "kafka.partitions is not set" in printed.stderr) == ({found or 4}, not found)


def test_without_a_prefix_each_topic_has_its_rights() -> None:
    """They have no common beginning. A move to more partitions adds one topic, whose state every process reads."""
    found = wanted(settings_of(), "app", "admin")
    of_app = {one.name for one in found.rights if (one.user, one.resource) == ("app", "topic")}
    assert of_app == {*TopicNames().specs(), "growth"}
    assert not any(one.is_prefix for one in found.rights)


def test_resources_of_strimzi_carry_their_cluster_and_have_names_that_kubernetes_takes(tmp_path: Path) -> None:
    """Also where the topic's name is none; no two are equal."""
    config = f'{PLAIN}topic_prefix = "Staging_"\nsecurity_protocol = "SASL_SSL"\n'
    config += 'sasl_mechanism = "SCRAM-SHA-512"\nsasl_username = "app"\n'
    code, text = exported("strimzi", tmp_path, config, "--cluster", "main", "--namespace", "kafka")
    found = list(yaml.safe_load_all(text))
    metadata = [one["metadata"] for one in found]
    assert code == 0
    assert {one["labels"]["strimzi.io/cluster"] for one in metadata} == {"main"}
    assert {one["namespace"] for one in metadata} == {"kafka"}
    assert all(is_resource_name(one["name"]) for one in metadata)
    assert len({(one["kind"], one["metadata"]["name"]) for one in found}) == len(found)
    users = [one for one in found if one["kind"] == "KafkaUser"]
    assert [one["metadata"]["name"] for one in users] == ["app", "app-admin"]
    assert {one["spec"]["authentication"]["type"] for one in users} == {"scram-sha-512"}


@pytest.mark.parametrize(
    ("option", "value"), [("--cluster", "My Cluster"), ("--user", "CN=app,O=Example"), ("--checker", "Admin")]
)
def test_a_name_that_kubernetes_does_not_take_is_one_line(option: str, value: str, tmp_path: Path) -> None:
    """It says which was expected and which came."""
    code, text = exported("strimzi", tmp_path, PLAIN, option, value)
    assert (code, value in text, "lower-case" in text, text.count("\n")) == (2, True, True, 1)


@given(st.text("abzAZ09._-", max_size=260))
def test_any_name_of_a_topic_becomes_one_of_kubernetes(topic: str) -> None:
    """Its own where that is possible."""
    name = resource_name(topic)
    assert is_resource_name(name)
    assert name == topic or not is_resource_name(topic)


def test_terraform_destroys_no_topic() -> None:
    """Topics are where the state is."""
    text = terraform_resources(wanted(settings_of(), "app", "admin"))
    assert text.count("prevent_destroy = true") == len(TopicNames().specs())
    labels = re.findall(r'^resource "(\w+)" "([A-Za-z_][\w-]*)" {$', text, re.MULTILINE)
    assert len(labels) == len(set(labels)) == text.count("\nresource ")


def test_texts_of_others_cannot_end_the_text_that_they_stand_in() -> None:
    """A principal may have quotes, and what begins a template of HCL."""
    strange = 'CN="a" ${b} %{c} \\d'
    found = wanted(settings_of(topic_prefix="crm."), strange, "admin")
    [right] = [one for one in found.rights if one.user == strange and one.resource == "group"]
    only = Wanted((), (right,))
    [acl] = plain_document(only)["acls"]
    assert acl["principal"] == f"User:{strange}"
    assert '"User:CN=\\"a\\" $${b} %%{c} \\\\d"' in terraform_resources(only)
    [user] = yaml.safe_load_all(strimzi_documents(Wanted((), (replace(right, name=strange),)), "main"))
    assert user["spec"]["authorization"]["acls"][0]["resource"]["name"] == strange
