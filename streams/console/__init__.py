"""The console: what people see and do in a browser, and the HTTP API behind it. The gateway serves both."""
