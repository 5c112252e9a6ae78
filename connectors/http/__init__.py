"""One HTTP exchange with a vendor: the request, the transport, and the bounded reading of its answer."""
