"""`[connections.NAME.back]`: what flows from GHL into Lofty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from streams.mapping.errors import WrongTerm, did_you_mean
from streams.mapping.lofty_sync import (
    LOFTY_FIELDS,
    RULE_EVENTS,
    STAGE,
    FieldOwner,
    LoftySyncRules,
    Rule,
    RuleTask,
    compile_condition,
    compile_template,
)
from streams.settings.model import Present, SettingsTable, wrong


def _compiles(compile_: Callable[[str], Any]) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            compile_(value)
        except WrongTerm as error:
            raise wrong(f"{error.expected} (got {error.got})", error.hint) from None
        return value

    return check


def _on(value: str) -> str:
    if value not in RULE_EVENTS:
        raise wrong(f"one of {', '.join(RULE_EVENTS)}", did_you_mean(value, RULE_EVENTS))
    return value


def _owned(value: dict[str, FieldOwner]) -> dict[str, FieldOwner]:
    known = (*LOFTY_FIELDS, STAGE)
    for name in value:
        if name not in known:
            raise wrong(f"fields among {', '.join(known)}", did_you_mean(name, known) or f"not {name!r}")
    return value


def _named_once(value: list[RuleTable]) -> list[RuleTable]:
    names = [rule.name for rule in value]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise wrong("rules with names of their own", f"{twice!r} is used twice")
    for rule in value:
        if (rule.task is None) == (rule.note is None):
            raise wrong(
                "a task or a note in each rule", f"rule {rule.name!r} has {'neither' if rule.task is None else 'both'}"
            )
    return value


Text = Annotated[Present, AfterValidator(_compiles(compile_template))]
Role = Literal["Agent", "Assistant"]


class RuleTaskTable(SettingsTable):
    """The Lofty task of a rule. Lofty's types of tasks, by its OpenAPI document."""

    content: Text
    type: Literal["Call", "Email", "Text", "Other"] = "Other"
    due_minutes: Annotated[float, Field(ge=0, le=525_600, description="a number of minutes")] = 60.0
    role: Role = "Agent"


class RuleTable(SettingsTable):
    """`[[connections.NAME.back.rules]]`: an event of GHL makes a task or a note in Lofty."""

    name: Annotated[Present, Field(description="a name: it becomes part of the task, to show its origin")]
    on: Annotated[str, AfterValidator(_on)]
    when: Annotated[str, AfterValidator(_compiles(compile_condition))] | None = None
    task: RuleTaskTable | None = None
    note: Text | None = None


class LoftySyncTable(SettingsTable):
    """What flows back. All off by default."""

    appointments: bool = False
    notes: bool = False
    tasks: bool = False
    finish_tasks: bool = False
    role: Role = "Agent"
    fields: Annotated[dict[str, FieldOwner], AfterValidator(_owned)] = Field(default_factory=dict)
    rules: Annotated[list[RuleTable], AfterValidator(_named_once)] = Field(default_factory=list)

    def compiled(self) -> LoftySyncRules:
        """The same, ready to run."""
        return LoftySyncRules(
            appointments=self.appointments,
            notes=self.notes,
            tasks=self.tasks,
            finishes_tasks=self.finish_tasks,
            role=self.role,
            rules=tuple(_compiled(rule) for rule in self.rules),
            owners={name: owner for name, owner in self.fields.items() if name != STAGE},
            stage=self.fields.get(STAGE),
        )


def _compiled(rule: RuleTable) -> Rule:
    task = rule.task
    return Rule(
        name=rule.name,
        on=rule.on,
        when=compile_condition(rule.when) if rule.when else None,
        task=RuleTask(task.type, compile_template(task.content), task.due_minutes, task.role) if task else None,
        note=compile_template(rule.note) if rule.note else None,
    )
