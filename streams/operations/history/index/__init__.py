"""The history index: finds the records of a contact on the topics, by name, e-mail address, phone number or id.

It stores where records are (topic, partition, offset), not what they say. The topics stay the only truth, so the index can be
deleted at any time and is then built again from them. It does not join the workers' consumer group.
One process writes it: a child of the gateway with a lower priority, so that it does not slow down the intake of webhooks.
Any number of threads and commands read it.
"""
