"""Why an account cannot be edited.

PeopleError
  InvalidAccount     the facts of the account are wrong
  NoSuchAccount      there is none of this name
  AccountManagedByFile   it is changed in the configuration file
  StaleAccount       somebody else changed it first
  LastAdmin          nobody would be left who can say who has access
  LinkNotGood        the one-time link was used, replaced, or is too old
  PeopleUnavailable  the accounts could not be read from Kafka, or the edit could not be written
"""

from __future__ import annotations


class PeopleError(Exception):
    """Its text says what is wrong, and what to do."""


class InvalidAccount(PeopleError):
    pass


class NoSuchAccount(PeopleError):
    pass


class AccountManagedByFile(PeopleError):
    pass


class StaleAccount(PeopleError):
    pass


class LastAdmin(PeopleError):
    pass


class LinkNotGood(PeopleError):
    pass


class PeopleUnavailable(PeopleError):
    pass
