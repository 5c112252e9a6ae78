"""A table of many connections, one in a row, as people keep it in a spreadsheet."""
