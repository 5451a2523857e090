"""Prints the CPU time of warm invocations, in µs. `warm.py` runs this in a process of the built
function."""

import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import boto3
import handler  # type: ignore[import-not-found]  # of the built function
from botocore import xform_name
from stub import EVENT, Context  # type: ignore[import-not-found]  # of build_tools

from checkout.store.table import open_table

BATCH = 40


def invoke() -> None:
    handler.handler(EVENT, Context)


def calls_of_one_invocation() -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Names, methods and arguments of an invocation's AWS calls. The methods are those of bare
    boto3: a default client for each service."""
    clients = [open_table().client]
    if "checkout.webhooks.queue" in sys.modules:
        clients.append(sys.modules["checkout.webhooks.queue"].open_queue().client)
    requests: list[tuple[Any, dict[str, Any]]] = []
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


def call_bare() -> None:
    for _, call, request in calls:
        call(**request)


def microseconds(work: Callable[[], None], times: int = BATCH) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times * 1e6


if "checkout.webhooks.egress" in sys.modules:
    egress: Any = sys.modules["checkout.webhooks.egress"]
    egress.post = lambda *_: egress.Answer(200, {}, b"")

first = microseconds(invoke, times=1)
calls = calls_of_one_invocation()
warm, bare = [], []
for _ in range(int(os.environ["RUNS"])):
    warm.append(microseconds(invoke))
    bare.append(microseconds(call_bare))
spent = {"calls": [name for name, *_ in calls], "first": first}
print(json.dumps(spent | {"warm": median(warm), "bare": median(bare)}))
