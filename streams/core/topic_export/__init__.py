"""The topics of a deployment and the rights on them, as documents for the programs that manage a cluster's topics."""
