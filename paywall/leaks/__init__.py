"""Finds addresses of a site that give away more of an article than its preview.

article       the stored body and preview, from the database or from the service
probes        the requests for one article and its site; links finds more in the responses
client        one bounded request; hosts keeps it on the site and off private addresses
decodings     the texts of a response: visible, scripts, attributes, encoded
hidden_text   the part of the body that is not public, and how much of it a text contains
search        runs the requests, and reports what they gave away
"""
