"""How long a provider may keep us waiting, in seconds. The clients are told so, and the gateway's windows follow from it.

Apart from `providers`, so that who reckons with them does not reach a provider's client.
"""

CONNECT_S = 4.0
SILENT_S = 60.0
