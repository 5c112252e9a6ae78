"""People and programs whom admins give access: the accounts on the topic `people`, followed and edited."""
