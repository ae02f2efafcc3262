"""The report: one page that says and shows what was measured and planned.

The way of the data: `facts` gathers the numbers that are told, `figures` makes what is
shown, and `page` puts both into the words of ``report.html``, with jinja2.
"""
