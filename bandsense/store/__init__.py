"""bandsense.store"""
