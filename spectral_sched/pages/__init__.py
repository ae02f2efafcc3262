"""The report: one page that says and shows what was measured and planned."""
