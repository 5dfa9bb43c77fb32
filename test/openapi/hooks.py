"""Makes the valid records of schemathesis valid in what JSON Schema cannot say, and signs them.

The description of the HTTP interface says it in words: integers are written without a point, N_j has exactly one key
for each scale, and sig is made with a key (PCS_HMAC_KEY). Invalid records go as they were made.
"""

import base64
import hashlib
import hmac
import json
import os
from decimal import ROUND_HALF_UP, Context, Decimal

import schemathesis
from schemathesis import GenerationMode

KEY = os.environ["PCS_HMAC_KEY"].encode()
# As many digits as any double has, and nine more.
EXACT = Context(prec=700, rounding=ROUND_HALF_UP)


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """A batch is text. What is none cannot be sent as a wrong one: it goes as nothing, which is no batch."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


@schemathesis.hook
def before_call(context, case, kwargs):
    generation = getattr(case.meta, "generation", None)
    record = case.body
    if generation is None or generation.mode != GenerationMode.POSITIVE or not isinstance(record, dict):
        return
    if "scales" in record and "N_j" in record:
        case.body = signed(with_whole_numbers(record))


def with_whole_numbers(record):
    scales = [int(scale) for scale in record["scales"]]
    counts = [int(count) for count in record["N_j"].values()] or [1]
    keys = dict.fromkeys(str(scale) for scale in scales)
    ft = record["ft"]
    return {
        **record,
        **{name: int(record[name]) for name in ("epoch", "attempt", "seed")},
        "scales": scales,
        "N_j": {key: counts[place % len(counts)] for place, key in enumerate(keys)},
        "ft": {**ft, **{name: int(ft[name]) for name in ("outbox_seq", "clock_skew_ms")}},
    }


def signed(record):
    """Sections 1 and 2 of docs/contract.md."""
    text = f"{record['merkle_root']}|{record['epoch']}|{record['shard_id']}"
    pcs_id = hashlib.sha256(text.encode()).hexdigest()
    fields = {name: record[name] for name in ("merkle_root", "epoch", "shard_id")}
    for name in ("D_hat", "coh_star", "r", "budget"):
        fields[name] = float(Decimal(repr(float(record[name]))).quantize(Decimal("1e-9"), context=EXACT))
    canonical = json.dumps({**fields, "pcs_id": pcs_id}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    sig = base64.b64encode(hmac.new(KEY, digest, hashlib.sha256).digest()).decode()
    return {**record, "pcs_id": pcs_id, "sig": sig}
