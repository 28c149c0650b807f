import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';

/** The `code` of a connection that was never made, whatever stood in its way: nothing was sent over it. */
export const NOT_CONNECTED = 'NOT_CONNECTED';

/**
 * An agent for calls of which one must know afterwards whether they may have arrived: each has a connection of its own, and
 * one that is not made within `timeoutMs` (name, address, TLS) fails with the code NOT_CONNECTED. Any later failure leaves open
 * whether the other side has read the call.
 */
export function makeCarefulAgent(isSecure: boolean, timeoutMs: number): HttpAgent {
  const agent = isSecure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const connection = connect(options, callback);
    if (connection) markUntilReady(connection, isSecure ? 'secureConnect' : 'connect', timeoutMs);
    return connection;
  };
  return agent;
}

function markUntilReady(connection: Duplex, ready: 'connect' | 'secureConnect', timeoutMs: number): void {
  // The first to listen: whoever reads the error afterwards sees the code.
  const mark = (error: Error) => Object.assign(error, { code: NOT_CONNECTED });
  const timer = setTimeout(() => connection.destroy(new Error('no connection in time')), timeoutMs);
  connection.once('error', mark);
  connection.once('close', () => clearTimeout(timer));
  connection.once(ready, () => {
    clearTimeout(timer);
    connection.off('error', mark);
  });
}
