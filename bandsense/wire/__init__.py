"""bandsense.wire"""
