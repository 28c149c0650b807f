import { makeApi } from '#bot/bot.ts';
import { describeError } from '#lib/log.ts';
import { loadWholeEnv, makeServer } from '#server.ts';
import { startEngine } from './engine.ts';
import { makeErasureRunner } from './erasure/run.ts';
import { makeExporter, SEND_SECONDS } from './exports/export.ts';
import { makeNoticeSender } from './notices/send.ts';
import { makeCarefulApi } from './records/careful-api.ts';
import { makeRecordDeliverer } from './records/deliver.ts';
import { jobHandlers } from './table.ts';

/** The worker process: delivers what was committed and does what is due. Any number may run on one database. */
const server = await makeServer('worker', loadWholeEnv());
const { ctx, env } = server;
const { apiRoot, botToken, botUsername } = env.telegram;
const api = makeApi({ token: botToken, apiRoot });
const careful = makeCarefulApi({ token: botToken, apiRoot });
const engine = startEngine(
  ctx,
  jobHandlers({
    send_notice: makeNoticeSender({ api, botUsername }),
    deliver_record: makeRecordDeliverer(careful),
    export_data: makeExporter(makeCarefulApi({ token: botToken, apiRoot, timeoutSeconds: SEND_SECONDS })),
    run_erasure: makeErasureRunner(careful),
  }),
);
ctx.log.info({ sandbox: env.isSandbox }, 'worker is ready');

async function stop(): Promise<void> {
  ctx.log.info('worker is stopping');
  await engine.stop();
  await server.close();
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stop().catch((error: unknown) => {
      ctx.log.error({ error: describeError(error) }, 'stopping failed');
      process.exit(1);
    });
  });
}
