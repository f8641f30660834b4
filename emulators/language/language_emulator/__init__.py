"""An emulator of Azure AI Language custom text classification. For development only; listens on loopback.

It speaks the service's HTTP in both generations of the API, reads labelled documents from blob storage or a folder,
trains a real classifier and answers with calibrated confidences. COVERAGE.md lists every operation and every choice
made where the service's behaviour is not documented.

One request, layer by layer:

    server               uvicorn in a thread, or `language-emulator`
    http/                credentials, rate limit, injected faults, request counts, the service's headers
    text_authoring_2021/, analyze_text/
                         one class per API: wire <-> domain, nothing else
    service              everything below, wired together
    training/            training jobs: split, fit, evaluate
    jobs/                the life-cycle of jobs, and what publishing, deploying, importing and classifying do
    projects/            projects, labels, and the storage their documents lie in
    classifier/          texts in, classes with calibrated confidences out
    control/             what tests steer: progression, fault rules; its HTTP is in control_routes

A package imports only what stands below it here.
"""
