import { connect } from 'node:net';
import { makeRequests } from './requests.mjs';

/*
 * The load: a process of its own that keeps N connections busy, one request at a time on each, and notes how long each
 * answer took. It speaks HTTP/1.1 over plain sockets, because node's own client costs more than what is measured.
 *
 * In:  { port, connections, warmUpSeconds, seconds, requests } over the channel of its starter (requests.mjs).
 * Out: { phase: 'measuring' | 'measured' } at the edges of the measured time, then
 *      { phase: 'done', acknowledged, refused, latenciesMs: { p50, p99, max }, events, elapsedMs, firstRefusal }
 */

const MAX_SAMPLES = 2_000_000;

process.once('message', (task) => {
  drive(task).then(
    (result) => process.send({ phase: 'done', ...result }, () => process.exit(0)),
    (error) => process.send({ phase: 'failed', message: String(error.stack ?? error) }, () => process.exit(1)),
  );
});

/** How Payme and Click refuse: with HTTP 200. */
const REFUSAL = /"error":(\{|-)/;

async function drive({ port, connections, warmUpSeconds, seconds, requests }) {
  const samples = new Float64Array(MAX_SAMPLES);
  const state = {
    next: makeRequests(requests),
    isMeasuring: false,
    isOver: false,
    events: 0,
    acknowledged: 0,
    refused: 0,
  };
  state.note = (ms, status, body) => {
    if (status >= 200 && status < 300 && !REFUSAL.test(body)) state.acknowledged += 1;
    else {
      state.refused += 1;
      state.firstRefusal ??= `${status} ${body}`;
    }
    if (state.isMeasuring && status < 300 && state.events < MAX_SAMPLES) samples[state.events++] = ms;
  };
  const times = { from: 0, to: 0 };
  const end = () => {
    if (times.to === 0) {
      times.to = performance.now();
      state.isMeasuring = false;
      state.isOver = true;
      process.send({ phase: 'measured' });
    }
  };
  setTimeout(() => {
    if (state.isOver) return;
    times.from = performance.now();
    state.isMeasuring = true;
    process.send({ phase: 'measuring' });
    setTimeout(end, seconds * 1000);
  }, warmUpSeconds * 1000);
  await Promise.all(Array.from({ length: connections }, () => driveConnection(port, state, end)));
  end();
  const sorted = samples.subarray(0, state.events).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const { acknowledged, events, firstRefusal, refused } = state;
  const latenciesMs = { p50: at(0.5), p99: at(0.99), max: at(1) };
  return {
    acknowledged,
    refused,
    events,
    firstRefusal,
    latenciesMs,
    elapsedMs: times.from === 0 ? 0 : times.to - times.from,
  };
}

/** One request after the other on one connection, until the time is over or there is nothing left to send. */
function driveConnection(port, state, onEmpty) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    let sentAt = 0;
    const send = () => {
      const request = state.isOver ? null : state.next();
      if (request === null) {
        if (!state.isOver) onEmpty();
        socket.end();
        return resolve();
      }
      received = '';
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setEncoding('latin1');
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      received = received === '' ? chunk : received + chunk;
      const answer = readAnswer(received);
      if (answer === null) return;
      state.note(performance.now() - sentAt, answer.status, answer.body);
      send();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed a connection under load')));
  });
}

/** Status and body once the answer is whole, else null. */
function readAnswer(text) {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return null;
  const status = Number(text.slice(9, 12));
  const headers = text.slice(0, head).toLowerCase();
  const length = /\r\ncontent-length: (\d+)/.exec(headers);
  const body = text.slice(head + 4);
  if (length) return body.length >= Number(length[1]) ? { status, body } : null;
  if (!headers.includes('transfer-encoding: chunked')) return { status, body: '' };
  return body.endsWith('0\r\n\r\n') ? { status, body } : null;
}
