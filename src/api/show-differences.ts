import { asActor } from '#domain/context/context.ts';
import { listDifferences } from '#domain/reconciliation/list-differences.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

const SHOWN = 100;

/** The command behind `dist/differences.js`: where a provider's list and the books say different things, and nothing settles it. */
async function main([before]: ReadonlyArray<string>): Promise<void> {
  const server = await makeServer('worker', loadWholeEnv());
  try {
    const ctx = asActor(server.ctx, { kind: 'system', name: 'operator' });
    const { next, rows } = await listDifferences(ctx, { before: before ?? null, limit: SHOWN });
    if (rows.length === 0) process.stdout.write('Nothing differs.\n');
    for (const { chargeId, createdAt, id, kind, provider } of rows)
      process.stdout.write(`${id}  ${createdAt.toISOString()}  ${provider}  ${kind}  ${chargeId}\n`);
    if (next) process.stdout.write(`Older ones: npm run differences -- ${next}\n`);
  } finally {
    await server.close();
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
