"""bandsense.bands"""
