"""`lofty-ghl operations`: the catalogue of vendor operations."""

from __future__ import annotations

from streams.cli.shared import JsonOption, print_json


def operations(as_json: JsonOption = False) -> None:
    """Print every vendor operation of the clients: method, path, scopes, version, and whether it may be repeated.

    Example: lofty-ghl operations --json
    """
    from connectors.ghl.operations import OPERATIONS as GHL
    from connectors.lofty.operations import OPERATIONS as LOFTY

    rows = [("ghl", operation) for operation in GHL.values()] + [("lofty", operation) for operation in LOFTY.values()]
    if as_json:
        values = [
            {
                "vendor": vendor,
                "name": one.name,
                "method": one.method,
                "path": one.path,
                "scopes": list(one.scopes),
                "version": one.version,
                "retry": one.retry_class,
                "deprecated": one.is_deprecated,
            }
            for vendor, one in rows
        ]
        print_json(values)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("vendor", "operation", "method", "path", "scopes", "version", "retry")
    for vendor, one in rows:
        scopes = " ".join(one.scopes)
        table.add_row(vendor, one.name, one.method, one.path, scopes, one.version, one.retry_class)
    Console().print(table)
