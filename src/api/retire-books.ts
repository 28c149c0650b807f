import { asActor } from '#domain/context/context.ts';
import { previewRetirement, retireBooks } from '#domain/privacy/retention.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

const USAGE = `node dist/retention.js --dry-run   says how many rows are over their time
node dist/retention.js             deletes them, as the worker does once a day`;

/** The command behind `dist/retention.js`: what is over the time of the books. */
async function main(args: ReadonlyArray<string>): Promise<number> {
  const isDry = args[0] === '--dry-run';
  if (args.length > (isDry ? 1 : 0)) {
    process.stdout.write(`${USAGE}\n`);
    return 2;
  }
  const env = loadWholeEnv();
  const server = await makeServer('worker', env);
  try {
    const ctx = asActor(server.ctx, { kind: 'system', name: 'operator' });
    const rows = isDry ? await previewRetirement(ctx) : await retireBooks(ctx);
    for (const [table, count] of Object.entries(rows)) process.stdout.write(`${table}  ${count}\n`);
    const said = isDry ? 'are over their time; nothing was deleted' : 'were over their time and are deleted';
    process.stdout.write(`These rows ${said}. Books are kept for ${env.retentionYears} years (RETENTION_YEARS).\n`);
    return 0;
  } finally {
    await server.close();
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
