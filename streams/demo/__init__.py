"""The demo: the real processes on an embedded broker and both sandboxes, a busy morning at two agencies, and a comparison."""
