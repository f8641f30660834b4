"""A local stand-in for the Azure Functions host: it runs any Python v2 function app without Core Tools.

`functions-host --app DIR` indexes `function_app.py`, reads `host.json`, and serves queue, blob, HTTP
and timer triggers with the real host's semantics: what is retried, poisoned, renewed and lost is what Azure would do.

The parts, from the outside in:

    host.py         composition: settings -> functions -> listeners -> server
    web/            routes, keys, admin API, the Event Grid webhook; served by uvicorn
    queues/         the queue listener: receive, renew, delete or release, poison
    blobs/          container scan, receipts, the one internal queue, path patterns
    timers/         schedules, their listener, the schedule monitor
    worker/         decodes a trigger, runs the handler, encodes what it returns
    loading.py      imports the app as the Python worker does, and refuses what it refuses
    services.py     what all listeners share: connections, the invoker, the keeper of message leases
    event_bridge.py Event Grid's part for a host that has none: Core Tools, or Microsoft's host alone

It is for development: one process, one instance, no scale-out. Singleton locks are therefore not taken.
It never imports the product it hosts.
"""
