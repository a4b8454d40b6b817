"""Real services on this machine, from jars and without containers: what a laptop needs of Kafka."""
