"""`lofty-ghl`, whose supervisor of several processes takes one for hung after five seconds instead of a minute."""

from __future__ import annotations

from streams.cli.root import main
from streams.worker.processes.process_group import ProcessGroup, Timing
from tests.deadlines import within

if __name__ == "__main__":
    assert ProcessGroup.__init__.__kwdefaults__["timing"]
    ProcessGroup.__init__.__kwdefaults__["timing"] = Timing(look_seconds=within(1.0), most_missed=5)
    main()
