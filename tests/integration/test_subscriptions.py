"""`lofty-ghl subscriptions` against Lofty's sandbox: made, repaired, taken over by a new secret, removed."""

from __future__ import annotations

from pathlib import Path

import orjson

from connectors.sandbox.lofty import agent_activity as desk_work
from tests.integration.command import command, config_of
from tests.integration.stage import SECRET, TEAM, Stage, stage
from tests.kafka.broker import Broker

HOOKS = "https://hooks.example.com"


def addresses(on: Stage) -> list[tuple[int, str]]:
    """What is subscribed: list and address."""
    team = desk_work.team_of(on.lofty, TEAM)
    return sorted((one["listId"], one["callbackUrl"]) for one in team.subscriptions.values())


async def test_subscriptions_are_made_repaired_and_removed(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Those of the stage itself call another address: to us they are somebody else's."""
    async with stage(embedded_kafka, tmp_path) as on:
        config, theirs = config_of(on, tmp_path), addresses(on)
        at = ("--url", HOOKS)
        nothing_yet = await command("subscriptions show", config, *at)
        made = await command("subscriptions apply", config, *at)
        ours = [(number, f"{HOOKS}/lofty/{SECRET}") for number in (2, 9, 10, 11, 12)]
        assert (nothing_yet[0], made[0]) == (1, 0)
        assert addresses(on) == sorted(theirs + ours)

        team = desk_work.team_of(on.lofty, TEAM)
        one, other = [one for one in team.subscriptions.values() if one["callbackUrl"].startswith(HOOKS)][:2]
        team.subscriptions[1] = {**one, "subscribeId": 1}
        other["permissionMode"] = 0
        shown = await command("subscriptions show", config, *at, "--json")
        actions = [row["action"] for row in orjson.loads(shown[1])]
        assert (shown[0], actions.count("create"), actions.count("remove")) == (1, 1, 2)
        await command("subscriptions apply", config, *at)
        right = await command("subscriptions show", config, *at)
        assert (right[0], addresses(on)) == (0, sorted(theirs + ours))
        assert SECRET not in "".join((*right[1:], *made[1:], *shown[1:]))

        removed = await command("subscriptions remove", config, *at)
        assert (removed[0], addresses(on)) == (0, theirs)


async def test_what_is_wrong_is_said_in_one_line(embedded_kafka: Broker, tmp_path: Path) -> None:
    """No address, an unknown connection, a refusal of Lofty."""
    async with stage(embedded_kafka, tmp_path, lofty={"allows_http": True, "subscriptions_limit": 5}) as on:
        config = config_of(on, tmp_path)
        no_address = tmp_path / "no-address.toml"
        no_address.write_text("\n".join(line for line in on.config.splitlines() if not line.startswith("public_url")))
        nowhere = await command("subscriptions show", no_address)
        unknown = await command("subscriptions show", config, "--connection", "acne", "--url", HOOKS)
        full = await command("subscriptions apply", config, "--url", HOOKS)
        assert (nowhere[0], unknown[0], full[0]) == (2, 2, 3)
        assert "gateway.public_url" in nowhere[2]
        assert "no connection 'acne'; there are acme" in unknown[2]
        assert "WEBHOOK_EXCEED_LIMIT" in full[2]
