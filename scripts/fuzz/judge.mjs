/** Words that only come from inside: stack frames, packages, the database and its language. */
const INSIDES =
  /\bat \S+ \(|\.[jt]s:\d+|node_modules|prisma|postgres|\bpg_|relation \\?"|syntax error at|\bSELECT\b|\bINSERT INTO\b|ECONNREFUSED|TypeError|\[object /i;
const REASON = /^[a-z][a-z0-9_]{2,40}$/;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * What is wrong with an answer to a hostile request, in words; empty when it is as it should be: no fault of the server
 * but "not now, try later", JSON in the shape of its door with reason and request id, nothing of the insides told.
 *
 * @param request `{ door, method }`
 * @param answer `{ status, headers, text }`; status 0: none came
 */
export function judgeAnswer({ door, method }, { status, headers, text }) {
  if (status === 0) return [`no answer: ${text}`];
  if (door === 'payme' || door === 'click') return judgeSpoken(door, { method, status, text });
  const problems = [];
  if (status >= 500 && !(status === 503 && Number(headers['retry-after']) > 0)) problems.push(`status ${status}`);
  if (status >= 300 && status < 400) problems.push(`a redirect to ${headers.location}`);
  if (method === 'HEAD' || status === 204) return problems;
  const isStream = headers['transfer-encoding'] === 'chunked' && headers.vary?.includes('trpc-accept');
  if (isStream) return problems;
  if (headers['content-type'] !== 'application/json') problems.push(`content-type ${headers['content-type']}`);
  if (headers['x-content-type-options'] !== 'nosniff') problems.push('no X-Content-Type-Options');
  if (headers['cache-control'] !== 'no-store') problems.push(`cache-control ${headers['cache-control']}`);
  if (!REQUEST_ID.test(headers['x-request-id'] ?? '')) problems.push('no X-Request-Id');
  if (status < 400) return problems;
  if (INSIDES.test(text)) problems.push('tells of its insides');
  return [...problems, ...judgeRefusal(text)];
}

/** Payme and Click refuse in their own words, with HTTP 200 whatever comes. */
function judgeSpoken(door, { method, status, text }) {
  if (method === 'HEAD') return [];
  if (status !== 200) return [`status ${status}`];
  if (INSIDES.test(text)) return ['tells of its insides'];
  try {
    const answer = JSON.parse(text);
    if (door === 'click') return Number.isInteger(answer.error) ? [] : ['an answer without an error code'];
    if (answer.result !== undefined) return [];
    const { code, message } = answer.error;
    return Number.isInteger(code) && message.ru && message.uz && message.en ? [] : ['a refusal without words'];
  } catch {
    return ['an answer that is no JSON of the protocol'];
  }
}

function judgeRefusal(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return ['a refusal that is no JSON'];
  }
  const refusals = (Array.isArray(body) ? body : [body]).filter((part) => !part?.result);
  const errors = refusals.map((part) => part?.error?.data?.hoshi ?? part?.error);
  return errors.flatMap((error) => [
    ...(REASON.test(error?.reason ?? '') ? [] : ['a refusal without a reason']),
    ...(REQUEST_ID.test(error?.requestId ?? '') ? [] : ['a refusal without a request id']),
    ...(typeof error?.text === 'string' && error.text !== '' ? [] : ['a refusal without words']),
  ]);
}
