import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { listWaitingEvents } from '#domain/webhook/list.ts';
import { replayWebhook } from '#domain/webhook/replay.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

const USAGE = `npm run webhooks -- list [failed|dead]          what waits; dead ones wait for you
npm run webhooks -- replay <whe id> [--dry-run]  apply one again, or say what that would do`;
const SHOWN = 50;

/** The command behind `dist/webhooks.js`: what an operator sees of the inbox, and does with a dead event. */
async function main([command, ...args]: ReadonlyArray<string>): Promise<number> {
  const server = await makeServer('worker', loadWholeEnv());
  try {
    const ctx = asActor(server.ctx, { kind: 'system', name: 'operator' });
    const answer = await run(ctx, command, args);
    process.stdout.write(`${answer ?? USAGE}\n`);
    return answer === null ? 2 : 0;
  } finally {
    await server.close();
  }
}

/** What to print, null when the command is not understood. */
async function run(ctx: Ctx, command: string | undefined, args: ReadonlyArray<string>): Promise<string | null> {
  const [first, option] = args;
  if (command === 'list' && (first === undefined || first === 'failed' || first === 'dead'))
    return list(ctx, first ?? 'dead');
  if (command !== 'replay' || !first || (option !== undefined && option !== '--dry-run')) return null;
  const { kind, outcome } = await replayWebhook(ctx, { id: first, isDryRun: option === '--dry-run' });
  return `${first}  ${kind}  ${outcome}`;
}

async function list(ctx: Ctx, status: 'failed' | 'dead'): Promise<string> {
  const { next, rows } = await listWaitingEvents(ctx, { status, before: null, limit: SHOWN });
  const lines = rows.map(
    ({ attempts, error, id, kind, provider, receivedAt }) =>
      `${id}  ${receivedAt.toISOString()}  ${provider}  ${kind}  ${error ?? ''}  ${attempts} tries`,
  );
  if (lines.length === 0) return `No event is ${status}.`;
  return [...lines, ...(next ? ['and older ones'] : [])].join('\n');
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof AppError ? error.reason : error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  },
);
