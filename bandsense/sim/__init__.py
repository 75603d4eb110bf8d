"""bandsense.sim"""
