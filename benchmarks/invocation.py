"""Runs in the built function's own process, for `warm.py`: prints what invocations cost, in µs of
CPU."""

import json
import os
import sys
import time
from statistics import median

import boto3
import handler
from botocore import xform_name
from stub import EVENT, Context

from checkout.store.table import open_table

BATCH = 40


def invoke():
    handler.handler(EVENT, Context)


def calls_of_one_invocation():
    """Each as bare boto3 makes it: a client of its own, with no settings, and the same request."""
    clients = [open_table().client]
    if "checkout.webhooks.queue" in sys.modules:
        clients.append(sys.modules["checkout.webhooks.queue"].open_queue().client)
    requests = []
    for client in clients:
        client.meta.events.register(
            "provide-client-params.*.*",
            lambda params, model, **_: requests.append((model, dict(params))),
            unique_id="recording",
        )
    invoke()
    for client in clients:
        client.meta.events.unregister("provide-client-params.*.*", unique_id="recording")
    services = {model.service_model.service_name for model, _ in requests}
    bare = {service: boto3.client(service) for service in services}
    return [
        (model.name, getattr(bare[model.service_model.service_name], xform_name(model.name)), given)
        for model, given in requests
    ]


def call_bare():
    for _, call, request in calls:
        call(**request)


def microseconds(work, times=BATCH):
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times * 1e6


if "checkout.webhooks.egress" in sys.modules:
    egress = sys.modules["checkout.webhooks.egress"]
    egress.post = lambda *_: egress.Answer(200, {}, b"")

first = microseconds(invoke, times=1)
calls = calls_of_one_invocation()
warm, bare = [], []
for _ in range(int(os.environ["RUNS"])):
    warm.append(microseconds(invoke))
    bare.append(microseconds(call_bare))
spent = {"calls": [name for name, *_ in calls], "first": first}
print(json.dumps(spent | {"warm": median(warm), "bare": median(bare)}))
