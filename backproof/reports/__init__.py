"""How a report is written down: text, JSON, JUnit, one HTML page; and what of it was known before."""
