import { asActor } from '#domain/context/context.ts';
import { rotateDataKey } from '#domain/privacy/rotate-data-key.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

/** The command behind `dist/rotate-data-key.js`: puts what lies under DATA_KEY_PREVIOUS under DATA_KEY. */
async function main(): Promise<void> {
  const env = loadWholeEnv();
  if (env.previousDataKey === null) throw new Error('Set DATA_KEY_PREVIOUS to the key that is being replaced.');
  const server = await makeServer('worker', env);
  try {
    const changed = await rotateDataKey(asActor(server.ctx, { kind: 'system', name: 'operator' }));
    for (const [column, count] of Object.entries(changed)) process.stdout.write(`${column}  ${count}\n`);
    process.stdout.write('Everything lies under DATA_KEY now: remove DATA_KEY_PREVIOUS and start again.\n');
  } finally {
    await server.close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
