"""Models that continue a descriptor sequence: data, families, training, export."""
