"""The HTTP API: endpoints as data, from which the routes, the checks and the OpenAPI document are made."""
