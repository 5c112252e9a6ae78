"""What the pages and the API can ask and do: functions with frozen results, which know nothing of HTTP."""
