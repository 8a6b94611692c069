"""What every floor stands on: no tables, and no knowledge of the product."""
