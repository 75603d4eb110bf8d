"""bandsense.live"""
