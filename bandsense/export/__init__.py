"""bandsense.export"""
