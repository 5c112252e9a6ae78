"""The console's pages: what a person sees. HTML from frozen views, readable without a script."""
