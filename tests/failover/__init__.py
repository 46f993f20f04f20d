"""Losses of the leader of a PostgreSQL cluster, under load: `make test-failover`."""
