"""Apache Spark 4: on one machine, on a cluster, or behind Spark Connect."""
