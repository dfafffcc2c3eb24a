"""The process that owns the device: voices, mix, guard, sample clock."""
