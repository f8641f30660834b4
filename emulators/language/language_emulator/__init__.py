"""A local stand-in for Azure AI Language custom text classification. For development only; listens on loopback.

It speaks the service's HTTP in both API versions, reads labelled documents from blob storage, trains a real classifier
and answers with calibrated confidences. It imports nothing of the product: client and emulator share no misreading,
they meet only in the wire samples under `emulators/language/tests/wire`. COVERAGE.md lists every operation and every choice made where
the service's behaviour is not documented.

One request, layer by layer:

    server    uvicorn in a thread, or `python -m language_emulator`
    gateway   key or token, rate limit, injected faults, request counts, the service's headers
    routes    one class per API version and half (authoring, analyze): wire <-> domain, nothing else
    service   projects, training, publishing, deployments, analysis; jobs.py gives every one its life-cycle
    archive   memory, or a folder that survives a restart
"""
