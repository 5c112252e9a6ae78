"""The history index: which records of which topics tell of a contact, and by which names people look for it.

It follows the topics without joining the workers' group, and holds places, not values: the topics stay the only truth, and the
index can be thrown away and built anew at any time. One process writes it (`lofty_ghl` index, a child of the gateway with a lower
priority, so that the intake of webhooks is not slowed); any number of threads and commands read it.
"""
