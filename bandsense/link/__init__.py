"""bandsense.link"""
