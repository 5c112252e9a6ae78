"""The catalogue: every trigger and action of both vendors, what this project does of it, and the test that shows it.

`lofty-ghl catalogue`, the console's page Catalogue, the API and docs/catalogue.md are made from it.
"""
