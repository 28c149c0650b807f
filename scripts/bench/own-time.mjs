/** Percentiles in ms of the own time of requests between `start` and `stop`; null when there were none. */
export function watchOwnTime(all) {
  let before;
  let after;
  return {
    start: () => {
      before = readOwnTime(all);
    },
    stop: () => {
      after = readOwnTime(all);
    },
    between: async () => ownTimeBetween(await before, await after),
  };
}

/** What the web process says of its own time per request, without the provider's: counts per bucket, seconds summed. */
async function readOwnTime({ ports, values }) {
  const response = await fetch(`http://127.0.0.1:${ports.web}/metrics`, {
    headers: { authorization: `Bearer ${values.metricsToken}` },
  });
  const text = await response.text();
  const buckets = new Map();
  for (const [, le, count] of text.matchAll(/^hoshi_http_own_seconds_bucket\{le="([^"]+)".*\} (\d+)$/gm)) {
    const upTo = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    // All routes together: one of them is busy at a time.
    buckets.set(upTo, (buckets.get(upTo) ?? 0) + Number(count));
  }
  return buckets;
}

/** Percentiles of what happened between two readings; within a bucket as if evenly spread. */
function ownTimeBetween(before, after) {
  const counts = [...after].map(([le, count]) => ({ le, count: count - (before.get(le) ?? 0) }));
  const total = counts.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const at = (share) => {
    const wanted = total * share;
    let low = { le: 0, count: 0 };
    for (const bucket of counts) {
      if (bucket.count >= wanted) {
        const high = Number.isFinite(bucket.le) ? bucket.le : low.le;
        return 1000 * (low.le + ((high - low.le) * (wanted - low.count)) / Math.max(1, bucket.count - low.count));
      }
      low = bucket;
    }
    return low.le * 1000;
  };
  return { p50: at(0.5), p99: at(0.99) };
}
