import { getAuditHead } from '#domain/audit/heads.ts';
import { MAX_FINDINGS, verifyAudit } from '#domain/audit/verify.ts';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

/** The command behind `dist/audit-verify.js`: whether the audit is as it was written. Ends with 1 when it is not. */
async function main(): Promise<number> {
  const server = await makeServer('worker', loadWholeEnv());
  try {
    return await check(asActor(server.ctx, { kind: 'system', name: 'operator' }));
  } finally {
    await server.close();
  }
}

async function check(ctx: Ctx): Promise<number> {
  const { checked, findings, head, ok, signatures } = await verifyAudit(ctx, { after: 0n, limit: null });
  const { signed } = await getAuditHead(ctx);
  const lines = [
    `${checked} rows and ${signatures} signed heads were checked.`,
    head ? `The chain stands at ${head.position}, ${head.hash.toString('hex')}.` : 'The chain is empty.',
    signed ? `Last signed: ${signed.text}, by ${signed.signedBy ?? 'no key of ours'}.` : 'No day was signed yet.',
    ...findings.map(({ kind, position }) => `position ${position}: ${kind}`),
    ...(findings.some(({ kind }) => kind === 'signature')
      ? ['If SIGNING_KEY was replaced, the one before belongs into SIGNING_KEYS_PREVIOUS.']
      : []),
    ...(findings.length === MAX_FINDINGS ? ['There may be more: the check ended here.'] : []),
    ok ? 'The audit is as it was written.' : 'The audit is NOT as it was written.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return ok ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
