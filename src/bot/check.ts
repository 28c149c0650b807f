import { loadEnv } from '#lib/env.ts';
import { makeApi } from './bot.ts';
import { checkBot } from './setup.ts';

/** The command behind `dist/check.js`: says what is wrong with the bot, one line per finding. Fails when sales are stopped. */
async function main(): Promise<number> {
  const { publicUrl, supportContact, telegram } = loadEnv();
  const findings = await checkBot({
    api: makeApi({ token: telegram.botToken, apiRoot: telegram.apiRoot }),
    botUsername: telegram.botUsername,
    publicUrl,
    webhookSecret: telegram.webhookSecret,
    supportContact,
    now: new Date(),
  });
  for (const { severity, text } of findings) process.stdout.write(`${severity}: ${text}\n`);
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
