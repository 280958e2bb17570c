"""What links the regions: peering, replication, DNS. One stack each, deployed after the regions."""
