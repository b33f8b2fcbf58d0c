"""Webhooks: HTTP servers outside that are told what happens here, and a CRM that is asked who a customer is.

    acd.happenings      what can happen                     acd.store.hooks       put down in the transaction of itself
    signing             the three headers of a request      acd.store.deliveries  what is still to be told, in its order
    client              one request, within limits          acd.store.outside     what a CRM said of a customer
    sender              delivers to one endpoint            office                the endpoints of the moment; alarms
    lookup              asks the CRM

What happens is kept in the customer file until an endpoint has answered 2xx, so whatever is killed, it is told: at
least once, and under the same `webhook-id` whenever it is told again. An endpoint is told in order, one after the
other. While it is away (it cannot be reached, does not answer in time, says 429, 502, 503 or 504, or redirects) all of
it waits. What it refuses for itself (4xx, or 500 five times over) steps aside, is tried again by itself, and holds up
nothing; but who refuses ten in a row refuses all, and has a rest before each next one. Each endpoint has its own sender
and connection, and none of this is waited for by a call.

The format is Standard Webhooks 1.0.0 (standardwebhooks.com): symmetric signatures (`v1`).
"""
