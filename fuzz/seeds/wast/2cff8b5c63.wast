(mode")
