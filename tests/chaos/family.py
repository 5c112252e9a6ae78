"""The family town: it is synced, edited under attack, forgotten twice and renamed twice; then it rests, and is judged."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import Any

from connectors.sandbox.ghl.seeds import seed
from tests.chaos.adversary import Act
from tests.chaos.family_desk import FamilyDesk
from tests.chaos.forgetting import Forgetting
from tests.chaos.history import Deed
from tests.chaos.record import until_still
from tests.chaos.run import Company, Plan, guarded, run
from tests.chaos.stage import PAIRS, Stage
from tests.chaos.town import make_town

STRICT: dict[str, Any] = {"ignores_empty_texts": True}
"""GHL as it was seen at its strictest."""

RENAMED = (0, 2)
"""The connections that get another name: one of two with one budget, and one alone. Edited mappings are of others."""

AWAY_PART = 0.25
"""The part of the edits a second that goes on while a connection is renamed, memory is lost, and everything is read once more."""

ASKED = "verify asks about unknown leads"
DEEDS = (
    *("answers are mangled", "a store is damaged", "another prefix", "wiped links", "a connection is renamed"),
    ASKED,
)


async def run_family(folder: Path, plan: Plan, leads: int) -> bool:
    """Whether nobody was mixed, deleted by mistake or made twice, and no value was dropped in silence."""

    def move_in(stage: Stage, chance: random.Random) -> FamilyDesk:
        desk = FamilyDesk(stage.lofty, chance)
        town = make_town(leads, PAIRS, random.Random(plan.seed + 4))
        for number, (name, people) in enumerate(zip(stage.settings.connections, town, strict=True)):
            stage.before[name] = seed(stage.ghl, {"location": f"loc{number}", "contacts": people.contacts})["contacts"]
        desk.move_in(town)
        return desk

    return await run(folder, plan, _live, move_in, STRICT)


async def _live(company: Company, plan: Plan) -> None:
    """Its life. Between two losses everything that is known has arrived."""
    adversary, desk = company.adversary, company.desk
    adversary.takes_guests = False  # under another prefix nobody knows them
    assert isinstance(desk, FamilyDesk)
    forgetting = Forgetting(company.stage, company.supervisor, random.Random(plan.seed + 5), desk.part_with_some)
    once: list[Act] = [adversary.mangle_answers, adversary.damage_a_store]
    once += [partial(adversary.take_kafka_away, how, seconds) for how, seconds in plan.ways()]
    outages = [f"kafka {how} for {seconds:.0f} s" for how, seconds in plan.ways()]
    adversary.random.shuffle(once)
    losses = [forgetting.another_prefix, forgetting.wiped_links]
    adversary.random.shuffle(losses)
    company.planned[:] = [*DEEDS, *outages]
    await guarded(_first_sync(company, forgetting), *company.background)
    parts = len(losses) + 1
    for part, (loss, renamed) in enumerate(zip((*losses, None), (*RENAMED, None), strict=True)):
        acts = once[part::parts]
        await company.attack(plan.kills // parts, plan.seconds / parts, acts, plan.rate, does_all=False)
        if loss is None or renamed is None:
            break
        await adversary.rest()
        await company.operator.stop()
        await guarded(_rest(company), *company.background)
        desk.forget()
        async with company.edited(plan.rate * AWAY_PART):
            adversary.deeds.append(await forgetting.rename(renamed))
            adversary.deeds.append(await loss())
        desk.remember()
        await guarded(_compare(company, forgetting), *company.background)
        print(f"{adversary.deeds[-1]}", flush=True)
        company.operator.begin_to_replay_everything()
    now = time.time()
    adversary.deeds.append(Deed(ASKED, now, now, {"leads are asked about": forgetting.asked}))
    print("what people did: " + ", ".join(f"{deed} {n}" for deed, n in sorted(desk.done.items())))
    print("what hangs on another lead since a merge:", desk.moved)
    print("leads that were merged while memory was gone:", desk.merged_unknown)


async def _first_sync(company: Company, forgetting: Forgetting) -> None:
    read = await forgetting.backfill()
    if read != PAIRS:
        company.adversary.failures.append(f"{read} of {PAIRS} connections were read at first")
    await _rest(company)
    place = [company.stage.ghl.location(f"loc{number}").contacts for number in range(PAIRS)]
    print(f"synced: {sum(map(len, place))} contacts", flush=True)


async def _compare(company: Company, forgetting: Forgetting) -> None:
    """Everything is as it should be, but for who was deleted while nothing knew of it: verify has that found, and nothing else."""
    await _rest(company)
    await forgetting.compare()
    company.adversary.failures += [f"after a loss of memory verify found: {one}" for one in forgetting.wrong]
    await _rest(company)


async def _rest(company: Company) -> None:
    """Everything that is known arrives, so that no loss of memory takes a change with it that nothing would bring back."""
    if unrest := await until_still(company.stage):
        company.adversary.failures.append(unrest)
