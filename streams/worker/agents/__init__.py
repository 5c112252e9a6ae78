"""Agents: read records, decide with a pure function, write tables and topics. They never call a vendor and never raise.

| agent | reads | writes |
| --- | --- | --- |
| `dedupe` | `lofty.changes` | `lofty.fetches`, table `seen` |
| `fetch` | `lofty.fetches` | table `fetches`, offers to the reading dispatcher |
| `deliver` | `lofty.snapshots` | table `outbox`, offers to the writing dispatcher |
| `record` | `ghl.receipts` | tables `links` and `outbox`, frees lanes |
"""
